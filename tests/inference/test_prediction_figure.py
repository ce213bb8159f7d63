"""The figure of predictions has a row for each picture."""

import numpy as np

from realfake.inference.detector import Classification
from realfake.inference.prediction_figure import draw_predictions


def test_every_picture_has_a_row_with_its_name_and_label(tmp_path):
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    fake, real = (Classification(label, value, pixels, pixels) for label, value in (("FAKE", 0.035), ("REAL", 0.9)))
    figure = draw_predictions([("5.jpg", fake), ("a" * 60 + ".jpg", real)], 0.5)
    picture, _, bars = figure.axes[:3]
    assert picture.get_title("left") == "5.jpg"
    assert bars.get_title("left") == "FAKE (96.5%)"
    assert [bar.get_width() for bar in bars.patches] == [0.965, 0.035]
    assert len(figure.axes) == 6
    assert len(figure.axes[3].get_title("left")) == 24
