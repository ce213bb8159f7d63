"""Define the style of the project's figures: colour-blind safe colours (Okabe & Ito 2008), legible at README width.

Figures are made without pyplot's global state; `save_figure` writes the same figure to the same bytes every time.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

from realfake.core.files import atomic_file

if TYPE_CHECKING:  # matplotlib is slow to import: only functions that draw import it
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
INK, GREY, PALE = "#222222", "#8c8c8c", "#d9d9d9"
"""Colours of text, of reference lines and of backgrounds."""
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
"""matplotlib's rcParams for every figure."""
GUESSING = 0.5
"""Accuracy of guessing. Accuracy axes begin here: on an axis cut near its values, small differences look large."""
Parameters = ParamSpec("Parameters")


def new_figure(width: float, height: float) -> "Figure":
    """Create an empty figure; width and height are in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG at 130 dots per inch, without date or program version, so that its bytes repeat."""
    with project_style(), atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=130, metadata={"Software": None})


def styled(draw: "Callable[Parameters, Figure]") -> "Callable[Parameters, Figure]":
    """Decorate a drawing function so that it draws in the project's style."""

    @wraps(draw)
    def wrapper(*arguments: Parameters.args, **named: Parameters.kwargs) -> "Figure":
        with project_style():
            return draw(*arguments, **named)

    return wrapper


def project_style() -> AbstractContextManager[None]:
    """Return a context in which matplotlib uses the project's style instead of the user's own settings."""
    from matplotlib import style

    return style.context(STYLE, after_reset=True)
