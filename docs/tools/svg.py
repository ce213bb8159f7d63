"""A few SVG elements as text: enough for drawings of boxes, words and arrows that are the same bytes everywhere."""

from html import escape

INK, GREY, PALE, BLUE, LIGHT = "#222222", "#8c8c8c", "#e6e6e6", "#0072b2", "#dcebf5"
"""The colours of the project's figures (Okabe & Ito 2008); LIGHT is a pale BLUE."""


def document(width: int, height: int, title: str, parts: list[str]) -> str:
    """A drawing on a white ground, which stays readable on a dark page."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="DejaVu Sans, Verdana, Arial, sans-serif">\n<title>{escape(title)}</title>\n'
        f'<rect width="{width}" height="{height}" rx="6" fill="white"/>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{GREY}"/></marker></defs>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def box(x: float, y: float, width: float, height: float, fill: str = LIGHT) -> str:
    """A rectangle with round corners; x and y are its upper left corner, in pixels as everywhere here."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill="{fill}" stroke="{GREY}"/>'


def words(x: float, y: float, text: str, size: int = 12, **style: str) -> str:
    """One line of text from x on, or around it with `anchor="middle"`; y is its baseline."""
    anchor = style.pop("anchor", "start")
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{INK}"{more}>{escape(text)}</text>'
    )


def arrow(path: str) -> str:
    """A line with a tip at its end; `path` in SVG's own words, such as `M0 0L10 0`."""
    return f'<path d="{path}" fill="none" stroke="{GREY}" stroke-width="1.5" marker-end="url(#tip)"/>'


def dot(x: float, y: float, radius: float) -> str:
    """A full circle."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{BLUE}"/>'


def line(x: float, y: float, to_x: float, to_y: float) -> str:
    """A thin line."""
    return f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke="{PALE}"/>'
