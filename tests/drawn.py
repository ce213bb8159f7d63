"""What a figure says, for tests of figures."""

from matplotlib.figure import Figure
from matplotlib.text import Text

NO_WARNINGS = "error::UserWarning"
"""A missing glyph or a layout that does not fit is only a warning in matplotlib; in these tests it fails."""


def texts(figure: Figure) -> list[str]:
    """All texts that are drawn."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
