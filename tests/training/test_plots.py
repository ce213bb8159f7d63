"""The figures of a training show the values that they are given."""

from pathlib import Path

import pytest
from drawn import NO_WARNINGS, texts
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch
from stage_files import epoch_result

from realfake.core.plot_style import GUESSING, save_figure
from realfake.models.architecture import Part
from realfake.training import plots

pytestmark = pytest.mark.filterwarnings(NO_WARNINGS)
HISTORY = [
    epoch_result(1, train_loss=0.6, train_accuracy=0.7, val_loss=0.55, val_accuracy=0.8676),
    epoch_result(2, train_loss=0.4, train_accuracy=0.8, val_loss=0.45, val_accuracy=0.849),
]
PARTS = [
    Part("conv1_pad ... conv5_block2_out", "165 layers\n4 x 4 x 2048", 19_122_048, "frozen"),
    Part("conv5_block3_1_conv ... conv5_block3_out", "10 layers", 4_465_664, "fine-tuned"),
    Part("pool", "2048", 0, "new"),
    Part("dense", "256", 524_544, "new"),
]


def test_learning_curves_draw_both_splits_and_name_the_peak() -> None:
    figure = plots.learning_curves(HISTORY)
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[0.6, 0.4], [0.55, 0.45]]
    assert [list(line.get_xdata()) for line in accuracy.lines] == [[1, 2], [1, 2]]
    assert "Accuracy (val peak 86.76%, epoch 1)" in texts(figure)
    assert loss.get_ylim()[0] == 0
    assert accuracy.get_ylim()[0] <= GUESSING, "the axis must not exaggerate small differences"


def test_learning_curves_of_a_single_epoch_can_be_drawn(tmp_path: Path) -> None:
    save_figure(plots.learning_curves(HISTORY[:1]), tmp_path / "curves.png")


def test_architecture_colours_blocks_by_state_and_counts_weights() -> None:
    figure = plots.architecture(PARTS)
    colours = [to_hex(box.get_facecolor()) for box in figure.axes[0].patches if isinstance(box, FancyBboxPatch)]
    assert colours == [plots.STATE_COLOURS[part.state] for part in PARTS]
    labels = texts(figure)
    assert {"frozen (19.1 M weights)", "fine-tuned (4.47 M weights)", "new (525 k weights)"} <= set(labels)
    assert "conv1_pad ...\nconv5_block2_out" in labels and "no weights" in labels
