"""Markdown as GitHub shows it: tables, folded sections, and line charts that it draws from text (mermaid)."""

import math
from collections.abc import Iterable, Sequence

BEFORE, NOW = "#9aa0a6", "#1a73e8"
"""Grey and blue: read on a light page and on a dark one."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures, aligned to the right."""
    rules = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (header, rules, *rows))


def folded(title: str, body: str) -> str:
    """A section that opens at a click."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def code(value: object) -> str:
    """A value as it stands in a file; what is no value is a dash."""
    text = " ".join(str(value).split()).replace("`", "'")
    return "–" if value is None or not text else f"`{text}`"


def line_chart(title: str, x_label: str, before: Sequence[float], now: Sequence[float]) -> str:
    """Two curves over 1, 2, 3 ..., the one before in grey and the one now in blue; the one before may be empty.

    Mermaid spreads the points of a line over the whole axis, so that two of different lengths would not share it:
    the shorter one is drawn as a chart of its own, with the same scale.
    """
    lines = [(color, values) for color, values in ((BEFORE, before), (NOW, now)) if values]
    low, high = _range([*before, *now])
    if len({len(values) for _, values in lines}) == 2:
        return "\n\n".join(_chart(title, x_label, (low, high), [line]) for line in lines)
    return _chart(title, x_label, (low, high), lines)


def _chart(title: str, x_label: str, scale: tuple[float, float], lines: Sequence[tuple[str, Sequence[float]]]) -> str:
    palette = ", ".join(color for color, _ in lines)
    count = len(lines[0][1])
    return "\n".join(
        [
            "```mermaid",
            f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{palette}"}}}}}}}}%%',
            "xychart-beta",
            f'    title "{title}"',
            f'    x-axis "{x_label}" [{", ".join(str(number) for number in range(1, count + 1))}]',
            f"    y-axis {scale[0]:g} --> {scale[1]:g}",
            *(f"    line [{', '.join(f'{value:.4f}' for value in values)}]" for _, values in lines),
            "```",
        ]
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Bounds around all values, at steps of 0.05."""
    bottom, top = math.floor(min(values) * 20), math.ceil(max(values) * 20)
    return (bottom - (bottom == top)) / 20, top / 20


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
