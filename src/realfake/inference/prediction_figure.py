"""Draw predictions: the picture, the picture as the network sees it, and the two probabilities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from realfake.inference.detector import Classification
from realfake.inference.metadata import LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"FAKE": "#d55e00", "REAL": "#0072b2"}
"""Colours of the labels in the project's figures (Okabe & Ito 2008)."""
_ROW = 2.3
"""Height of a row in inches."""


def draw_predictions(results: Sequence[tuple[str, Classification]], threshold: float) -> "Figure":
    """Draw a row for each picture.

    Args:
        results: names and classifications of pictures, at least one.
        threshold: P(REAL) from which a picture is called REAL; drawn as a line.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, _ROW * len(results) + 0.4), layout="constrained")
    rows = figure.subplots(len(results), 3, squeeze=False, width_ratios=(1, 1, 1.6))
    for place, ((name, result), (left, middle, bars)) in enumerate(zip(results, rows, strict=True)):
        _show(left, result.thumbnail, _shortened(name))
        size = result.resized.shape[0]
        _show(middle, result.resized, f"as the network sees it\n{size} x {size} pixels" if place == 0 else "")
        _draw_bars(bars, result, threshold)
        if place == 0:
            bars.text(threshold, 1.42, " threshold", fontsize=8, va="top")
    return figure


def _show(axes: Any, picture: Any, title: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize=9, loc="left", parse_math=False)  # a file name may contain a dollar sign
    axes.set_axis_off()


def _draw_bars(axes: Any, result: Classification, threshold: float) -> None:
    """Draw the probability of each label as a bar, and the threshold as a dotted line."""
    values = (1 - result.probability, result.probability)
    colours = [COLOURS[label] if label == result.label else "#d9d9d9" for label in LABELS]
    axes.barh(LABELS, values, color=colours, height=0.6)
    for place, value in enumerate(values):
        inside = value > 0.8
        axes.text(
            value - 0.02 if inside else value + 0.02,
            place,
            f"{value:.1%}",
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else "#222222",
        )
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_title(f"{result.label} ({result.confidence:.1%})", fontsize=11, fontweight="bold", loc="left")
    axes.plot([threshold, threshold], [0.6, 1.4], color="#222222", linewidth=1, linestyle=":")


def _shortened(name: str) -> str:
    """Shorten a file name to 24 characters in its middle."""
    return name if len(name) <= 24 else f"{name[:12]}...{name[-9:]}"
