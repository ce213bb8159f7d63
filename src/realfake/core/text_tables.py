"""Tables as aligned text; Markdown as GitHub shows it: tables, folded sections, line charts in text (mermaid)."""

import json
import math
from collections.abc import Iterable, Sequence

BEFORE, NOW = "#9aa0a6", "#1a73e8"
"""Grey and blue: read on a light page and on a dark one."""
MOST_POINTS = 20
"""Of a curve: more labels than that overlap, and mermaid has one for each point."""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: bool = False) -> str:
    """A table whose first column is text and whose others are figures, aligned to the right, or `words` too."""
    rules = [":--", *[":--" if words else "--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (header, rules, *rows))


def aligned_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: bool = False) -> str:
    """A table for a terminal, a line for each row, as `table` aligns it: text to the left, figures to the right."""
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
    """A section that opens at a click."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def inline_code(value: object) -> str:
    """A value as it stands in a file; what is no value is a dash."""
    text = " ".join(str(value).split()).replace("`", "'")
    return "–" if value is None or not text else f"`{text}`"


def line_chart(title: str, x_label: str, before: Sequence[float], now: Sequence[float]) -> str:
    """Two curves over 1, 2, 3 ...: the one before in grey, which may be empty or shorter, and the one now in blue."""
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
    """Bounds around all values, at steps of 0.05."""
    bottom, top = math.floor(min(values) * 20), math.ceil(max(values) * 20)
    return (bottom - (bottom == top)) / 20, top / 20


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
