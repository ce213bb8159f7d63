"""Format tables as aligned text, and the Markdown that GitHub renders: tables, folded sections, mermaid line charts."""

import json
import math
from collections.abc import Iterable, Sequence

BEFORE, NOW = "#9aa0a6", "#1a73e8"
"""Colours of the two curves, grey and blue: legible on a light and on a dark page."""
MOST_POINTS = 20
"""Largest number of points of a curve: mermaid labels each point, and more labels would overlap."""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: bool = False) -> str:
    """Format a Markdown table: the first column is aligned left, the others right, or left when they are `words`."""
    alignment = [":--", *[":--" if words else "--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (header, alignment, *rows))


def aligned_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: bool = False) -> str:
    """Format a table as text for a terminal, one line per row, with the alignment of `markdown_table`."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if words or not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def folded_section(title: str, body: str) -> str:
    """Format a Markdown section that is folded until the reader clicks on its title."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def inline_code(value: object) -> str:
    """Format a value as inline code; None and an empty value become a dash."""
    text = " ".join(str(value).split()).replace("`", "'")
    return "–" if value is None or not text else f"`{text}`"


def line_chart(title: str, x_label: str, before: Sequence[float], now: Sequence[float]) -> str:
    """Format a mermaid chart of two curves over x = 1, 2, 3 ...

    Args:
        title: title of the chart.
        x_label: label of the x axis.
        before: the earlier curve, drawn in grey; it may be empty or of another length.
        now: the present curve, drawn in blue.
    """
    count = max(len(before), len(now))
    shown = range(count, 0, -math.ceil(count / MOST_POINTS))[::-1]
    lines = [(color, values) for color, values in ((BEFORE, before), (NOW, now)) if values]
    palette = {"plotColorPalette": ", ".join(color for color, _ in lines)}
    setting = {"xyChart": {"height": 320}, "themeVariables": {"xyChart": palette}}
    low, high = _range([*before, *now])
    return "\n".join(
        [
            "```mermaid",
            f"%%{{init: {json.dumps(setting)}}}%%",
            "xychart-beta",
            f'    title "{title}"',
            f'    x-axis "{x_label}" [{", ".join(map(str, shown))}]',
            f"    y-axis {low:g} --> {high:g}",
            *(
                f"    line [{', '.join(f'{values[x - 1]:.4f}' for x in shown if x <= len(values))}]"
                for _, values in lines
            ),
            "```",
        ]
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return a lower and an upper bound of all values, multiples of 0.05."""
    bottom, top = math.floor(min(values) * 20), math.ceil(max(values) * 20)
    return (bottom - (bottom == top)) / 20, top / 20


def _cell(text: str) -> str:
    """Escape what would end a Markdown table's cell."""
    return text.replace("|", "\\|").replace("\n", " ")
