"""The figures of an evaluation show the values that they are given."""

from pathlib import Path

import numpy as np
import pytest
from drawn import NO_WARNINGS, texts
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from scored import PARAMS, predict, split

from realfake.core.plot_style import GREEN, GUESSING, VERMILION, save_figure
from realfake.evaluation import plots
from realfake.evaluation.scoring import ClassScore, evaluate_predictions
from realfake.metrics.bootstrap import Interval
from realfake.metrics.curves import Reliability

pytestmark = pytest.mark.filterwarnings(NO_WARNINGS)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_confusion_shows_counts_and_fractions_of_the_true_class() -> None:
    labels = texts(plots.confusion(np.array([[1500, 500], [0, 1000]])))
    assert {"1,500\n75.0%", "500\n25.0%", "0\n0.0%", "1,000\n100.0%"} <= set(labels)


def test_curves_show_their_area_with_its_interval() -> None:
    curve = np.array([0.0, 0.2, 1.0]), np.array([0.0, 0.9, 1.0])
    interval = Interval(0.81, 0.93)
    assert "AUC 0.870 (0.810 to 0.930)" in texts(plots.roc(curve, 0.87, interval))
    figure = plots.precision_recall(curve, 0.87, interval, share=0.4)
    assert "average precision 0.870 (0.810 to 0.930)" in texts(figure)
    assert list(figure.axes[0].lines[0].get_ydata()) == [0.4, 0.4]


def test_calibration_shows_each_bin_and_its_number_of_pictures() -> None:
    bins = Reliability(np.array([0.25, 0.75]), np.array([0.2, 0.9]), np.array([0.3, 0.8]), np.array([30, 70]))
    figure = plots.calibration(bins, 0.5, 0.1)
    assert list(figure.axes[0].lines[1].get_ydata()) == [0.3, 0.8]
    assert [bar.get_height() for bar in figure.axes[1].patches] == [30, 70]
    assert "ECE 0.100" in texts(figure)


def test_accuracy_by_class_shows_each_class_with_its_number_of_pictures() -> None:
    rows = {"FAKE": ClassScore(0.9, Interval(0.88, 0.92), 1000), "cat": ClassScore(0.8, Interval(0.7, 0.9), 90)}
    figure = plots.accuracy_by_class(rows)
    axes = figure.axes[0]
    assert {"FAKE (1,000)", "cat (90)"} <= set(texts(figure))
    assert list(axes.lines[0].get_xdata()) == [0.88, 0.92]
    assert axes.yaxis_inverted()
    assert axes.get_xlim() == (GUESSING - 0.01, 1.01), "the axis must not exaggerate small differences"
    worse = plots.accuracy_by_class({"FAKE": (0.3, Interval(0.2, 0.4), 10)})
    assert worse.axes[0].get_xlim()[0] < 0.2


def test_the_grid_shows_the_true_and_the_predicted_class_of_each_picture() -> None:
    labels, probabilities = np.array([0, 1, 1], dtype=np.uint8), np.array([0.03, 0.2, 0.5])
    figure = plots.prediction_grid(pictures(3), labels, probabilities, 0.5, "Random")
    shown_texts = texts(figure)
    assert shown_texts.count("is REAL") == 2 and shown_texts.count("is FAKE") == 1
    assert {"✓ FAKE 97%", "✗ FAKE 80%", "✓ REAL 50%", "Random"} <= set(shown_texts)
    frames = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert [to_hex(frame.get_edgecolor()) for frame in frames] == [GREEN, VERMILION, GREEN]


def test_the_most_confident_mistakes_come_first() -> None:
    labels, probabilities = np.array([0, 1, 1, 0, 1], dtype=np.uint8), np.array([0.6, 0.01, 0.9, 0.8, 0.3])
    shown = pictures(5)
    figure = plots.worst_mistakes(shown, labels, probabilities, 0.5, count=3)
    shown_texts = texts(figure)
    assert [text for text in shown_texts if text.startswith("✗")] == ["✗ FAKE 99%", "✗ REAL 80%", "✗ FAKE 70%"]
    assert "Surest mistakes (3 of 4)" in shown_texts
    assert np.array_equal(np.asarray(figure.axes[0].images[0].get_array()), shown[1])


def test_no_mistakes_give_an_empty_grid(tmp_path: Path) -> None:
    figure = plots.worst_mistakes(pictures(2), np.array([0, 1], dtype=np.uint8), np.array([0.1, 0.9]), 0.5, count=3)
    assert "No mistakes" in texts(figure)
    save_figure(figure, tmp_path / "none.png")


def test_every_figure_is_drawn_with_the_same_bytes_twice(tmp_path: Path) -> None:
    test = split()
    evaluation = evaluate_predictions(test, predict(test.pictures), PARAMS)
    names = {"accuracy_by_class", "calibration", "confusion", "precision_recall", "roc"}
    names |= {"predictions", "worst_mistakes"}
    for folder in ("once", "again"):
        plots.draw_scores(evaluation, PARAMS, tmp_path / folder)
    assert {path.stem for path in (tmp_path / "once").iterdir()} == names
    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
