"""The project's pictures in one look: colour-blind safe (Okabe & Ito 2008), readable at the width of a README.

Each function returns a matplotlib Figure, made without pyplot's global state; `save` writes it, the same bytes every
time. Labels are uint8 (N,), FAKE = 0, REAL = 1; probabilities are float (N,), P(REAL).
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Pictures, Probabilities
from realfake.core.files import atomic_file
from realfake.data.dataset import CLASSES
from realfake.metrics.bootstrap import Interval
from realfake.metrics.curves import Reliability
from realfake.metrics.scores import Array, surest_mistakes

if TYPE_CHECKING:  # matplotlib takes a moment to import: only who draws waits for it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
INK, GREY, PALE = "#222222", "#8c8c8c", "#d9d9d9"
STATE_COLOURS = {"frozen": PALE, "fine-tuned": "#f6c667", "new": "#8fd3b6"}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.facecolor": "white",
}
_COLUMNS = 8
_PITCH = 1.42
"""Height of a row of the grid, a column's width being 1."""
Parameters = ParamSpec("Parameters")


@dataclass(frozen=True)
class Part:
    """One block of the network's drawing."""

    name: str
    detail: str
    """One or two short lines, such as layers and output shape."""
    weights: int
    state: Literal["frozen", "fine-tuned", "new"]


def save(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG, 130 dots per inch, without date or program version."""
    with look(), atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=130, metadata={"Software": None})


def styled(draw: "Callable[Parameters, Figure]") -> "Callable[Parameters, Figure]":
    """Draw in the project's look."""

    @wraps(draw)
    def wrapper(*arguments: Parameters.args, **named: Parameters.kwargs) -> "Figure":
        with look():
            return draw(*arguments, **named)

    return wrapper


def look() -> AbstractContextManager[None]:
    """The project's look, whatever the user's own matplotlib settings are."""
    from matplotlib import style

    return style.context(STYLE, after_reset=True)


@styled
def learning_curves(history: Sequence[Mapping[str, Any]]) -> "Figure":
    """Loss and accuracy of train and val by epoch.

    Args:
        history: a mapping an epoch with `epoch` (from 1), `train_loss`, `val_loss`, `train_accuracy`, `val_accuracy`.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = blank(9, 3.6)
    epochs = [row["epoch"] for row in history]
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, colour, marker in (("train", GREY, "s"), ("val", BLUE, "o")):
            values = [row[f"{split}_{quantity}"] for row in history]
            axes.plot(epochs, values, color=colour, marker=marker, markersize=5, label=split)
        axes.set(title=quantity.capitalize(), xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.margins(x=0.06, y=0.12)
        axes.legend()
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    best = max(history, key=lambda row: row["val_accuracy"])
    axes.set_title(f"Accuracy (val peak {best['val_accuracy']:.2%}, epoch {best['epoch']})")
    return figure


@styled
def architecture(parts: Sequence[Part]) -> "Figure":
    """The network as blocks from left to right: frozen grey, fine-tuned orange, new green, as in the talk."""
    from matplotlib.patches import FancyBboxPatch, Patch

    figure = blank(max(6.0, 1.75 * len(parts)), 2.5)
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


@styled
def confusion(counts: npt.NDArray[np.int64]) -> "Figure":
    """The confusion matrix, int64 (2, 2), true class by row; shaded by the part of each true class."""
    figure = blank(4.2, 3.6)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.2)
    for row, column in np.ndindex(2, 2):
        colour = "white" if shares[row, column] > 0.6 else INK
        text = f"{counts[row, column]:,}\n{shares[row, column]:.1%}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=13)
    axes.set(xticks=(0, 1), xticklabels=CLASSES, yticks=(0, 1), yticklabels=CLASSES)
    axes.set(xlabel="called", ylabel="true", title="Confusion")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


@styled
def roc(curve: tuple[Array, Array], area: float, interval: Interval) -> "Figure":
    """The ROC curve: false against true positive rate."""
    figure, axes = _unit_axes("fakes called REAL", "photographs called REAL", "ROC")
    axes.plot((0, 1), (0, 1), color=GREY, linestyle="--", linewidth=1, label="guessing")
    axes.plot(*curve, color=BLUE, label=f"AUC {_with_interval(area, interval)}")
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall(curve: tuple[Array, Array], area: float, interval: Interval, share: float) -> "Figure":
    """The precision-recall curve of REAL; `share` of the pictures are REAL, the precision of guessing."""
    figure, axes = _unit_axes("recall", "precision", "Precision and recall of REAL")
    axes.axhline(share, color=GREY, linestyle="--", linewidth=1, label="guessing")
    axes.plot(*curve, color=BLUE, label=f"average precision {_with_interval(area, interval)}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.02))
    return figure


@styled
def calibration(bins: Reliability, width: float, error: float) -> "Figure":
    """Reliability diagram: what part is REAL where the network says P(REAL), and how often it says so.

    Args:
        bins: from curves.reliability.
        width: of a bin.
        error: expected calibration error.
    """
    figure = blank(4.6, 5.2)
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axes.plot((0, 1), (0, 1), color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    axes.plot(bins.predicted, bins.observed, color=BLUE, marker="o", markersize=5, label=f"ECE {error:.3f}")
    axes.set(ylabel="part that is REAL", title="Calibration", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(loc="upper left")
    counts.bar(bins.centre, bins.pictures, width=width * 0.92, color=BLUE)
    counts.set(xlabel="P(REAL)", ylabel="pictures")
    return figure


@styled
def accuracy_by_class(rows: Mapping[str, tuple[float, Interval, int]]) -> "Figure":
    """Accuracy of each class and subject with its interval and number of pictures, in the order given."""
    from matplotlib.ticker import PercentFormatter

    figure = blank(6.4, 0.8 + 0.34 * len(rows))
    axes = figure.add_subplot()
    names = []
    for place, (name, (value, interval, pictures)) in enumerate(rows.items()):
        axes.plot(interval, (place, place), color=BLUE, linewidth=2, alpha=0.5)
        axes.plot(value, place, color=BLUE, marker="o")
        names.append(f"{name} ({pictures:,})")
    axes.set(yticks=range(len(names)), yticklabels=names, title="Accuracy by class", xlabel="accuracy, 95% interval")
    axes.set_ylim(len(names) - 0.5, -0.5)  # first on top, half a row of air at both ends
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    return figure


@styled
def prediction_grid(
    pictures: Pictures, labels: Labels, probabilities: Probabilities, threshold: float, title: str
) -> "Figure":
    """Pictures, eight a row: what each is, and what it was called with which confidence; mistakes in another colour.

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,).
        probabilities: float (N,).
        threshold: P(REAL) from which on a picture is called REAL.
        title: above the grid.
    """
    from matplotlib.patches import Rectangle

    rows = max(1, -(-len(labels) // _COLUMNS))
    figure = blank(1.2 * _COLUMNS, 1.2 * _PITCH * rows + 0.5)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    axes = figure.add_subplot()
    axes.set_axis_off()
    for place, (picture, label, probability) in enumerate(zip(pictures, labels, probabilities, strict=True)):
        left, top, side = place % _COLUMNS + 0.04, place // _COLUMNS * _PITCH + 0.22, 0.92
        called = int(probability >= threshold)
        mark, colour = ("✓", GREEN) if called == label else ("✗", VERMILION)
        confidence = probability if called else 1 - probability
        axes.imshow(picture, interpolation="nearest", extent=(left, left + side, top + side, top))
        axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=colour, linewidth=3))
        axes.text(left + side / 2, top - 0.05, f"is {CLASSES[label]}", ha="center", va="bottom", fontsize=9)
        text = f"{mark} {CLASSES[called]} {confidence:.0%}"
        axes.text(left + side / 2, top + side + 0.05, text, ha="center", va="top", color=colour, fontweight="bold")
    axes.set(xlim=(0, _COLUMNS), ylim=(_PITCH * rows, 0), aspect="equal")
    return figure


@styled
def worst_mistakes(
    pictures: Pictures, labels: Labels, probabilities: Probabilities, threshold: float, count: int
) -> "Figure":
    """The `count` mistakes that the network was surest of, surest first; arguments as in `prediction_grid`."""
    wrong = int(((probabilities >= threshold) != (labels == 1)).sum())
    surest = surest_mistakes(labels, probabilities, threshold, count)
    title = f"Surest mistakes ({len(surest)} of {wrong:,})" if wrong else "No mistakes"
    return prediction_grid(pictures[surest], labels[surest], probabilities[surest], threshold, title)


def blank(width: float, height: float) -> "Figure":
    """A figure to draw on, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _unit_axes(x: str, y: str, title: str) -> "tuple[Figure, Axes]":
    """A square from 0 to 1 in both directions."""
    figure = blank(4.6, 4.6)
    axes = figure.add_subplot(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _with_interval(value: float, interval: Interval) -> str:
    return f"{value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _weights_text(weights: int) -> str:
    """A number of weights as people say it: 23.6 M, 524 k, 257."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if weights >= size:
            return f"{weights / size:.3g} {unit} weights"
    return f"{weights} weights" if weights else "no weights"
