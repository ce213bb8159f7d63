"""The look of the project's figures: colours for the colour-blind (Okabe & Ito 2008), readable at a README's width.

Figures are made without pyplot's global state; `save` writes one with the same bytes every time.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

from realfake.core.files import atomic_file

if TYPE_CHECKING:  # matplotlib takes a moment to import: only who draws waits for it
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
INK, GREY, PALE = "#222222", "#8c8c8c", "#d9d9d9"
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
"""matplotlib's settings."""
GUESSING = 0.5
"""Accuracy of guessing, where axes of accuracy begin: on one that begins near its values, small steps look large."""
Parameters = ParamSpec("Parameters")


def new_figure(width: float, height: float) -> "Figure":
    """A figure to draw on, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG, 130 dots per inch, without date or program version."""
    with project_style(), atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=130, metadata={"Software": None})


def styled(draw: "Callable[Parameters, Figure]") -> "Callable[Parameters, Figure]":
    """Draw in the project's look."""

    @wraps(draw)
    def wrapper(*arguments: Parameters.args, **named: Parameters.kwargs) -> "Figure":
        with project_style():
            return draw(*arguments, **named)

    return wrapper


def project_style() -> AbstractContextManager[None]:
    """The project's look, whatever the user's own matplotlib settings are."""
    from matplotlib import style

    return style.context(STYLE, after_reset=True)
