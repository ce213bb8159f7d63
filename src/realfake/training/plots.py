"""Draw the figures of a training: learning curves, and the network's parts as blocks."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from realfake.core.plot_style import BLUE, GREY, GUESSING, PALE, new_figure, styled
from realfake.models.architecture import Part
from realfake.training.history import EpochResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATE_COLOURS = {"frozen": PALE, "fine-tuned": "#f6c667", "new": "#8fd3b6"}
"""Fill colour of a block by the state of its part."""


@styled
def learning_curves(history: Sequence[EpochResult]) -> "Figure":
    """Draw loss and accuracy of train and val by epoch."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = new_figure(9, 3.6)
    epochs = [result.epoch for result in history]
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, colour, marker in (("train", GREY, "s"), ("val", BLUE, "o")):
            values = [getattr(result, f"{split}_{quantity}") for result in history]
            axes.plot(epochs, values, color=colour, marker=marker, markersize=5, label=split)
        axes.set(title=quantity.capitalize(), xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.margins(x=0.06, y=0.12)
        axes.legend()
    figure.axes[0].set_ylim(bottom=0)
    axes.set_ylim(min(GUESSING, axes.get_ylim()[0]), 1.01)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    best = max(history, key=lambda result: result.val_accuracy)
    axes.set_title(f"Accuracy (val peak {best.val_accuracy:.2%}, epoch {best.epoch})")
    return figure


@styled
def architecture(parts: Sequence[Part]) -> "Figure":
    """Draw the network's parts as blocks from input to output: frozen grey, fine-tuned orange, new green."""
    from matplotlib.patches import FancyBboxPatch, Patch

    figure = new_figure(max(6.0, 1.75 * len(parts)), 2.5)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set(xlim=(-0.1, len(parts) * 1.25 - 0.15), ylim=(-0.05, 1.1))
    for column, part in enumerate(parts):
        left = 1.25 * column
        box = FancyBboxPatch((left, 0), 1, 1, boxstyle="round,pad=0,rounding_size=0.06", linewidth=1)
        box.set(facecolor=STATE_COLOURS[part.state], edgecolor=GREY)
        axes.add_patch(box)
        name = textwrap.fill(part.name, 16, break_long_words=False)
        size = min(10.0, 145 / max(map(len, name.splitlines())))
        axes.text(left + 0.5, 0.78, name, ha="center", va="center", fontweight="bold", fontsize=size)
        axes.text(left + 0.5, 0.42, part.detail, ha="center", va="center", fontsize=9)
        axes.text(left + 0.5, 0.12, _weights_text(part.weights), ha="center", va="center", fontsize=9)
        if column:
            axes.annotate("", (left, 0.5), (left - 0.25, 0.5), arrowprops={"arrowstyle": "-|>", "color": GREY})
    handles = []
    for state, colour in STATE_COLOURS.items():
        total = sum(part.weights for part in parts if part.state == state)
        if any(part.state == state for part in parts):
            handles.append(Patch(facecolor=colour, edgecolor=GREY, label=f"{state} ({_weights_text(total)})"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _weights_text(weights: int) -> str:
    """Return a number of weights with a unit: "23.6 M weights", "524 k weights", "257 weights"."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if weights >= size:
            return f"{weights / size:.3g} {unit} weights"
    return f"{weights} weights" if weights else "no weights"
