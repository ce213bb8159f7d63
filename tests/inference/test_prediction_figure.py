"""The figure of an answer."""

import numpy as np

from realfake.inference.detector import Answer
from realfake.inference.prediction_figure import comparison


def test_every_picture_has_a_row_with_its_name_and_answer(tmp_path):
    seen = np.zeros((32, 32, 3), dtype=np.uint8)
    answers = [("5.jpg", Answer("FAKE", 0.035, seen, seen)), ("a" * 60 + ".jpg", Answer("REAL", 0.9, seen, seen))]
    figure = comparison(answers, 0.5)
    given, _, bars = figure.axes[:3]
    assert given.get_title("left") == "5.jpg"
    assert bars.get_title("left") == "FAKE (96.5%)"
    assert [bar.get_width() for bar in bars.patches] == [0.965, 0.035]
    assert len(figure.axes) == 6
    assert len(figure.axes[3].get_title("left")) == 24
