"""Draw the figures of an evaluation: scores, curves, and test pictures with their predictions.

Each function returns a matplotlib Figure in the project's style. Labels are uint8 (N,), FAKE = 0, REAL = 1;
probabilities are float (N,), P(REAL).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from realfake.config.schema import EvaluateParams
from realfake.core.arrays import Labels, Pictures, Probabilities
from realfake.core.plot_style import BLUE, GREEN, GREY, GUESSING, INK, VERMILION, new_figure, save_figure, styled
from realfake.data.dataset import CLASSES, balanced_sample
from realfake.evaluation.scoring import ClassScore, Evaluation
from realfake.metrics import curves, scores
from realfake.metrics.bootstrap import Interval
from realfake.metrics.curves import Reliability
from realfake.metrics.scores import Array, most_confident_mistakes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GRID = 32
"""Number of pictures in a grid."""
_COLUMNS = 8
"""Pictures per row of a grid."""
_PITCH = 1.42
"""Height of a row of the grid, in widths of a column."""


def draw_scores(evaluation: Evaluation, params: EvaluateParams, folder: Path) -> None:
    """Draw the scores of an evaluation, random pictures and the most confident mistakes as PNG files.

    Args:
        evaluation: evaluation on clean test pictures.
        params: evaluation parameters; threshold, calibration bins and seed are used.
        folder: folder of the figures; it is made if it is missing.
    """
    labels, probabilities, pictures = evaluation.split.labels, evaluation.probabilities, evaluation.split.pictures
    values, intervals, bins = evaluation.scores, evaluation.intervals, params.calibration_bins
    chosen = balanced_sample(labels, _GRID, params.seed)
    recalls = curves.precision_recall_curve(labels, probabilities)
    grid = pictures[chosen], labels[chosen], probabilities[chosen], params.threshold
    figures = {
        "confusion": confusion(scores.confusion(labels, probabilities, params.threshold)),
        "roc": roc(curves.roc_curve(labels, probabilities), values["roc_auc"], intervals["roc_auc"]),
        "precision_recall": precision_recall(recalls, values["pr_auc"], intervals["pr_auc"], float(labels.mean())),
        "calibration": calibration(curves.reliability(labels, probabilities, bins), 1 / bins, values["ece"]),
        "accuracy_by_class": accuracy_by_class(evaluation.by_class),
        "predictions": prediction_grid(*grid, "Random test pictures"),
        "worst_mistakes": worst_mistakes(pictures, labels, probabilities, params.threshold, _GRID),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png")


@styled
def confusion(counts: npt.NDArray[np.int64]) -> "Figure":
    """Draw a confusion matrix, int64 (2, 2), true class by row, shaded by the fraction of the true class."""
    figure = new_figure(4.2, 3.6)
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
    """Draw a ROC curve, false and true positive rate, with the area under it in the legend."""
    figure, axes = _unit_axes("fakes called REAL", "photographs called REAL", "ROC")
    axes.plot((0, 1), (0, 1), color=GREY, linestyle="--", linewidth=1, label="guessing")
    axes.plot(*curve, color=BLUE, label=f"AUC {_with_interval(area, interval)}")
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall(curve: tuple[Array, Array], area: float, interval: Interval, share: float) -> "Figure":
    """Draw the precision-recall curve of REAL; `share` is the fraction of REAL pictures, the precision of guessing."""
    figure, axes = _unit_axes("recall", "precision", "Precision and recall of REAL")
    axes.axhline(share, color=GREY, linestyle="--", linewidth=1, label="guessing")
    axes.plot(*curve, color=BLUE, label=f"average precision {_with_interval(area, interval)}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.02))
    return figure


@styled
def calibration(bins: Reliability, width: float, error: float) -> "Figure":
    """Draw a reliability diagram, and the number of pictures per bin below it.

    Args:
        bins: bins from `curves.reliability`.
        width: width of a bin of P(REAL).
        error: expected calibration error, 0 to 1.
    """
    figure = new_figure(4.6, 5.2)
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axes.plot((0, 1), (0, 1), color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    axes.plot(bins.predicted, bins.observed, color=BLUE, marker="o", markersize=5, label=f"ECE {error:.3f}")
    axes.set(ylabel="part that is REAL", title="Calibration", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(loc="upper left")
    counts.bar(bins.centre, bins.pictures, width=width * 0.92, color=BLUE)
    counts.set(xlabel="P(REAL)", ylabel="pictures")
    return figure


@styled
def accuracy_by_class(rows: Mapping[str, ClassScore]) -> "Figure":
    """Draw the accuracy of each class with its interval and number of pictures, in the given order."""
    from matplotlib.ticker import PercentFormatter

    figure = new_figure(6.4, 0.8 + 0.34 * len(rows))
    axes = figure.add_subplot()
    names = []
    for row, (name, (value, interval, pictures)) in enumerate(rows.items()):
        axes.plot(interval, (row, row), color=BLUE, linewidth=2, alpha=0.5)
        axes.plot(value, row, color=BLUE, marker="o")
        names.append(f"{name} ({pictures:,})")
    axes.set(yticks=range(len(names)), yticklabels=names, title="Accuracy by class", xlabel="accuracy, 95% interval")
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first row on top, half a row of space at both ends
    lowest = min((interval.low for _, interval, _ in rows.values()), default=GUESSING)
    axes.set_xlim(min(GUESSING, lowest) - 0.01, 1.01)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    return figure


@styled
def prediction_grid(
    pictures: Pictures, labels: Labels, probabilities: Probabilities, threshold: float, title: str
) -> "Figure":
    """Draw pictures, eight per row, with true class, predicted class and confidence; mistakes have another colour.

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,).
        probabilities: float (N,), P(REAL).
        threshold: P(REAL) from which on a picture is called REAL.
        title: title above the grid.
    """
    from matplotlib.patches import Rectangle

    rows = max(1, -(-len(labels) // _COLUMNS))
    figure = new_figure(1.2 * _COLUMNS, 1.2 * _PITCH * rows + 0.5)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    axes = figure.add_subplot()
    axes.set_axis_off()
    for index, (picture, label, probability) in enumerate(zip(pictures, labels, probabilities, strict=True)):
        left, top, side = index % _COLUMNS + 0.04, index // _COLUMNS * _PITCH + 0.22, 0.92
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
    """Draw the `count` most confident mistakes, most confident first; the arguments are those of `prediction_grid`."""
    wrong = int(((probabilities >= threshold) != (labels == 1)).sum())
    chosen = most_confident_mistakes(labels, probabilities, threshold, count)
    title = f"Surest mistakes ({len(chosen)} of {wrong:,})" if wrong else "No mistakes"
    return prediction_grid(pictures[chosen], labels[chosen], probabilities[chosen], threshold, title)


def _unit_axes(x: str, y: str, title: str) -> "tuple[Figure, Axes]":
    """Make a figure with square axes from 0 to 1, with these axis labels and this title."""
    figure = new_figure(4.6, 4.6)
    axes = figure.add_subplot(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _with_interval(value: float, interval: Interval) -> str:
    return f"{value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
