"""Figures say what they are given, look alike everywhere, and are written with the same bytes every time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text

from realfake.evaluation import plots
from realfake.metrics.bootstrap import Interval
from realfake.metrics.curves import Reliability

HISTORY = [
    {"epoch": 1, "train_loss": 0.6, "train_accuracy": 0.7, "val_loss": 0.55, "val_accuracy": 0.8676},
    {"epoch": 2, "train_loss": 0.4, "train_accuracy": 0.8, "val_loss": 0.45, "val_accuracy": 0.849},
]
PARTS = [
    plots.Part("conv1_pad ... conv5_block2_out", "165 layers\n4 x 4 x 2048", 19_122_048, "frozen"),
    plots.Part("conv5_block3_1_conv ... conv5_block3_out", "10 layers", 4_465_664, "fine-tuned"),
    plots.Part("pool", "2048", 0, "new"),
    plots.Part("dense", "256", 524_544, "new"),
]


@pytest.fixture(autouse=True)
def no_warnings(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """A missing glyph or a layout that does not fit is only a warning in matplotlib; here it fails."""
    yield
    assert [str(warning.message) for warning in recwarn] == []


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_the_same_figure_is_the_same_file_whatever_the_users_settings(tmp_path: Path) -> None:
    plots.save(plots.learning_curves(HISTORY), tmp_path / "one.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.bbox": "tight"}):
        plots.save(plots.learning_curves(HISTORY), tmp_path / "two.png")
    data = (tmp_path / "one.png").read_bytes()
    assert data.startswith(b"\x89PNG") and b"atplotlib" not in data
    assert data == (tmp_path / "two.png").read_bytes()


def test_importing_plots_imports_no_matplotlib_and_drawing_no_pyplot() -> None:
    code = (
        "import sys; from realfake.evaluation import plots; assert 'matplotlib' not in sys.modules; "
        "plots.architecture([]); assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(plots.__file__).parents[2])


def test_learning_curves_draw_both_splits_and_name_the_peak() -> None:
    figure = plots.learning_curves(HISTORY)
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[0.6, 0.4], [0.55, 0.45]]
    assert [list(line.get_xdata()) for line in accuracy.lines] == [[1, 2], [1, 2]]
    assert "Accuracy (val peak 86.76%, epoch 1)" in texts(figure)


def test_one_epoch_has_curves_too(tmp_path: Path) -> None:
    plots.save(plots.learning_curves(HISTORY[:1]), tmp_path / "curves.png")


def test_architecture_tells_frozen_fine_tuned_and_new_apart() -> None:
    figure = plots.architecture(PARTS)
    colours = [to_hex(box.get_facecolor()) for box in figure.axes[0].patches if isinstance(box, FancyBboxPatch)]
    assert colours == [plots.STATE_COLOURS[part.state] for part in PARTS]
    said = texts(figure)
    assert {"frozen (19.1 M weights)", "fine-tuned (4.47 M weights)", "new (525 k weights)"} <= set(said)
    assert "conv1_pad ...\nconv5_block2_out" in said and "no weights" in said


def test_confusion_writes_numbers_and_parts_of_the_true_class() -> None:
    said = texts(plots.confusion(np.array([[1500, 500], [0, 1000]])))
    assert {"1,500\n75.0%", "500\n25.0%", "0\n0.0%", "1,000\n100.0%"} <= set(said)


def test_curves_carry_their_area_with_its_interval() -> None:
    curve = np.array([0.0, 0.2, 1.0]), np.array([0.0, 0.9, 1.0])
    interval = Interval(0.81, 0.93)
    assert "AUC 0.870 (0.810 to 0.930)" in texts(plots.roc(curve, 0.87, interval))
    figure = plots.precision_recall(curve, 0.87, interval, share=0.4)
    assert "average precision 0.870 (0.810 to 0.930)" in texts(figure)
    assert list(figure.axes[0].lines[0].get_ydata()) == [0.4, 0.4]


def test_calibration_shows_each_bin_and_how_full_it_is() -> None:
    bins = Reliability(np.array([0.25, 0.75]), np.array([0.2, 0.9]), np.array([0.3, 0.8]), np.array([30, 70]))
    figure = plots.calibration(bins, 0.5, 0.1)
    assert list(figure.axes[0].lines[1].get_ydata()) == [0.3, 0.8]
    assert [bar.get_height() for bar in figure.axes[1].patches] == [30, 70]
    assert "ECE 0.100" in texts(figure)


def test_accuracy_by_class_names_each_with_its_number_of_pictures() -> None:
    rows = {"FAKE": (0.9, Interval(0.88, 0.92), 1000), "cat": (0.8, Interval(0.7, 0.9), 90)}
    figure = plots.accuracy_by_class(rows)
    axes = figure.axes[0]
    assert {"FAKE (1,000)", "cat (90)"} <= set(texts(figure))
    assert list(axes.lines[0].get_xdata()) == [0.88, 0.92]
    assert axes.yaxis_inverted()


def test_the_grid_says_what_each_picture_is_and_was_called() -> None:
    labels, probabilities = np.array([0, 1, 1], dtype=np.uint8), np.array([0.03, 0.2, 0.5])
    figure = plots.prediction_grid(pictures(3), labels, probabilities, 0.5, "Random")
    said = texts(figure)
    assert said.count("is REAL") == 2 and said.count("is FAKE") == 1
    assert {"✓ FAKE 97%", "✗ FAKE 80%", "✓ REAL 50%", "Random"} <= set(said)
    frames = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert [to_hex(frame.get_edgecolor()) for frame in frames] == [plots.GREEN, plots.VERMILION, plots.GREEN]


def test_the_worst_mistakes_come_surest_first() -> None:
    labels, probabilities = np.array([0, 1, 1, 0, 1], dtype=np.uint8), np.array([0.6, 0.01, 0.9, 0.8, 0.3])
    shown = pictures(5)
    figure = plots.worst_mistakes(shown, labels, probabilities, 0.5, count=3)
    said = texts(figure)
    assert [text for text in said if text.startswith("✗")] == ["✗ FAKE 99%", "✗ REAL 80%", "✗ FAKE 70%"]
    assert "Surest mistakes (3 of 4)" in said
    assert np.array_equal(np.asarray(figure.axes[0].images[0].get_array()), shown[1])


def test_no_mistakes_give_an_empty_grid(tmp_path: Path) -> None:
    figure = plots.worst_mistakes(pictures(2), np.array([0, 1], dtype=np.uint8), np.array([0.1, 0.9]), 0.5, count=3)
    assert "No mistakes" in texts(figure)
    plots.save(figure, tmp_path / "none.png")
