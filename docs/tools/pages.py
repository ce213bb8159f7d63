"""Write what the documentation takes from the code: `python docs/tools/pages.py`, a part of `make docs`.

A page says where, between `<!-- NAME: written by make docs -->` and `<!-- end of NAME -->`; the drawings are files.
"""

import re
from collections.abc import Callable
from pathlib import Path

import architecture
import parameters
from project import PROJECT

DOCS = PROJECT / "docs"
DRAWINGS: dict[str, Callable[[], str]] = {
    "layers.svg": architecture.layers_drawing,
    "pipeline.svg": architecture.pipeline_drawing,
}
PARTS: dict[str, Callable[[], str]] = {
    "packages": architecture.package_table,
    "scripts": architecture.script_table,
    "parameters": parameters.tables,
    "recipes": parameters.differences,
}
GENERATED = re.compile(r"(<!-- (\w+): written by make docs -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def generated() -> dict[Path, str]:
    """The files that have something from the code in them, with the text that they should have."""
    texts = {DOCS / name: draw() for name, draw in DRAWINGS.items()}
    for page in sorted(DOCS.glob("*.md")):
        old = page.read_text(encoding="utf-8")
        new = GENERATED.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", old)
        if GENERATED.search(old):
            texts[page] = new
    return texts


def main() -> None:
    """Write what has changed, and say so."""
    for file, text in generated().items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8", newline="\n")
            print(f"{file.relative_to(PROJECT)} is new: it follows the code, commit it with your change")


if __name__ == "__main__":
    main()
