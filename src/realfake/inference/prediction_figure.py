"""The figure of an answer: the picture as given, as the network sees it, and the two probabilities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from realfake.inference.detector import Answer
from realfake.inference.metadata import LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"FAKE": "#d55e00", "REAL": "#0072b2"}
"""Of the project's figures (Okabe & Ito 2008)."""
_ROW = 2.3
"""Height of a row in inches."""


def comparison(answers: Sequence[tuple[str, Answer]], threshold: float) -> "Figure":
    """A row a picture, with its name.

    Args:
        answers: names and answers, at least one.
        threshold: P(REAL) from which on a picture is called REAL; drawn as a line.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, _ROW * len(answers) + 0.4), layout="constrained")
    rows = figure.subplots(len(answers), 3, squeeze=False, width_ratios=(1, 1, 1.6))
    for place, ((name, answer), (given, seen, bars)) in enumerate(zip(answers, rows, strict=True)):
        _show(given, answer.given, _shortened(name))
        size = answer.seen.shape[0]
        _show(seen, answer.seen, f"as the network sees it\n{size} x {size} pixels" if place == 0 else "")
        _bars(bars, answer, threshold)
        if place == 0:
            bars.text(threshold, 1.42, " threshold", fontsize=8, va="top")
    return figure


def _show(axes: Any, picture: Any, title: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize=9, loc="left", parse_math=False)  # a file name may hold a dollar
    axes.set_axis_off()


def _bars(axes: Any, answer: Answer, threshold: float) -> None:
    values = (1 - answer.probability, answer.probability)
    colours = [COLOURS[label] if label == answer.label else "#d9d9d9" for label in LABELS]
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
    axes.set_title(f"{answer.label} ({answer.confidence:.1%})", fontsize=11, fontweight="bold", loc="left")
    axes.plot([threshold, threshold], [0.6, 1.4], color="#222222", linewidth=1, linestyle=":")


def _shortened(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:12]}...{name[-9:]}"
