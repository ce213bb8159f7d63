"""What the architecture page draws and lists, read from the code: packages, imports, dvc.yaml's stages, scripts."""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import svg
import yaml
from project import PROJECT

from realfake.core.code_identity import LAYERS, PACKAGE, import_closure, imported_modules

ROW, LEFT, CELL = 40, 560, 30
"""Height of a package's row, where the table of imports begins, and the width of its columns."""
STEP, WIDE, HIGH = 128, 112, 46
"""From one box of the data's way to the next, and a box's width and height."""


def sentence(docstring: str) -> str:
    """The first sentence of a docstring, without the command that may follow it, and without its full stop."""
    first = docstring.partition("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=\?) `|: `", first)[0].partition(". ")[0].removesuffix(".")


def about(file: Path) -> str:
    """A file's docstring."""
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def uses(package: str) -> tuple[str, ...]:
    """The other packages that a package's modules import from, lowest first."""
    found = {name.partition(".")[0] for file in (PACKAGE / package).glob("*.py") for name in imported_modules(file)}
    return tuple(layer for layer in LAYERS if layer in found and layer != package)


def modules(package: str) -> list[str]:
    """The names of a package's modules."""
    return sorted(file.stem for file in (PACKAGE / package).glob("*.py") if file.stem != "__init__")


def layers_drawing() -> str:
    """The packages from the highest to the lowest, each with a dot under every package that it imports from."""
    rows = LAYERS[::-1]
    top, parts = 96, []
    for column, package in enumerate(LAYERS):
        x = LEFT + CELL * (column + 0.5)
        parts.append(svg.words(x + 4, top - 8, package, 11, transform=f"rotate(-60 {x + 4:g} {top - 8})"))
        parts.append(svg.line(x, top, x, top + ROW * (len(rows) - 0.5 - column)))
    for place, package in enumerate(rows):
        y = top + ROW * place
        parts.append(svg.box(8, y + 2, LEFT - 20, ROW - 4))
        parts.append(svg.words(18, y + ROW / 2 + 4, package, 13, font_weight="bold"))
        purpose = textwrap.wrap(sentence(about(PACKAGE / package / "__init__.py")).replace("`", ""), 70)
        for number, text in enumerate(purpose):
            parts.append(svg.words(130, y + ROW / 2 + 4 + 14 * (number - (len(purpose) - 1) / 2), text, 11))
        parts += [svg.dot(LEFT + CELL * (LAYERS.index(low) + 0.5), y + ROW / 2, 6) for low in uses(package)]
    size = (LEFT + CELL * len(LAYERS) + 40, top + ROW * len(rows) + 12)
    return svg.document(*size, "The packages of realfake, and which imports from which", parts)


def stages() -> dict[str, Any]:
    """The stages of dvc.yaml, in their order."""
    return dict(yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])


def folder_of(output: Any) -> str:
    """The folder of a dependency or an output of dvc.yaml: `outputs/evaluation` of a file in it."""
    name = output if isinstance(output, str) else next(iter(output))
    return "/".join(Path(name).parts[:2])


def reads(stage: dict[str, Any]) -> list[str]:
    """The folders of data that a stage depends on; its code is not among them."""
    return list(dict.fromkeys(folder_of(one) for one in stage["deps"] if not one.startswith("src/")))


def writes(stage: dict[str, Any]) -> str:
    """The one folder that a stage's outputs and metrics lie in."""
    (folder,) = {folder_of(one) for one in [*stage["outs"], *stage.get("metrics", [])]}
    return folder


def pipeline_drawing() -> str:
    """The data's way through the stages: who writes which folder, who reads it, with what code."""
    found = stages()
    places = {folder: 2 * number for number, folder in enumerate(["data", *(writes(s) for s in found.values())])}
    middle, parts = 22 * len(found), []
    for folder, place in places.items():
        parts.append(svg.box(8 + STEP * place, middle, WIDE, HIGH, "white"))
        above, _, below = folder.rpartition("/")
        lines = [f"{above}/", f"{below}/"] if above else [f"{below}/"]
        for number, text in enumerate(lines):
            y = middle + HIGH / 2 + 4 + 15 * (number - (len(lines) - 1) / 2)
            parts.append(svg.words(8 + STEP * place + WIDE / 2, y, text, 12, anchor="middle"))
    for number, (name, stage) in enumerate(found.items()):
        left = 8 + STEP * (2 * number + 1)
        parts += _stage_box(left, middle, name)
        for folder in reads(stage):
            parts.append(svg.arrow(_way(8 + STEP * places[folder], left, middle)))
        parts.append(svg.arrow(f"M{left + WIDE} {middle + HIGH / 2}H{left + STEP - 2}"))
    width = 8 + STEP * (2 * len(found)) + WIDE + 8
    deepest = max(len(packages_of(name)) for name in found)
    return svg.document(width, middle + HIGH + 34 + 15 * deepest, "The data's way through the pipeline", parts)


def _stage_box(left: float, top: float, name: str) -> list[str]:
    """A stage, with the packages that decide what it writes."""
    parts = [svg.box(left, top, WIDE, HIGH)]
    parts.append(svg.words(left + WIDE / 2, top + HIGH / 2 + 5, name, 14, anchor="middle", font_weight="bold"))
    for number, package in enumerate(packages_of(name)):
        parts.append(svg.words(left + WIDE / 2, top + HIGH + 22 + 15 * number, package, 11, anchor="middle"))
    return parts


def _way(start: float, end: float, top: float) -> str:
    """From a folder to a stage: straight to the next one, in a bow above to a later one."""
    if end - start <= STEP:
        return f"M{start + WIDE} {top + HIGH / 2}H{end - 2}"
    x, to_x, rise = start + WIDE / 2, end + WIDE / 2, 26 * (end - start) / (2 * STEP) + 20
    return f"M{x:g} {top:g}C{x:g} {top - rise:g} {to_x:g} {top - rise:g} {to_x:g} {top - 2:g}"


def packages_of(stage: str) -> list[str]:
    """The packages that a stage's dependencies in dvc.yaml lie in, lowest first."""
    start = "src/realfake/"
    found = {one.removeprefix(start).partition("/")[0] for one in stages()[stage]["deps"] if one.startswith(start)}
    return [layer for layer in LAYERS if layer in found]


def package_table() -> str:
    """A row a package, highest first: what it is, its modules."""
    rows = ["| package | what it is | modules |", "|---|---|---|"]
    for package in LAYERS[::-1]:
        names = ", ".join(f"`{name}`" for name in modules(package))
        rows.append(f"| `{package}` | {sentence(about(PACKAGE / package / '__init__.py'))} | {names} |")
    return "\n".join(rows)


def script_table() -> str:
    """A row a script of src/: what it does, and the highest package that it reaches."""
    rows = ["| script | what it does | reaches up to |", "|---|---|---|"]
    for file in scripts():
        reached = {module.partition(".")[0] for module in import_closure(file)}
        highest = max(reached, key=LAYERS.index) if reached else ""
        name = file.relative_to(PROJECT).as_posix()
        rows.append(f"| `{name}` | {sentence(about(file))} | {f'`{highest}`' if highest else 'none'} |")
    return "\n".join(rows)


def scripts() -> Iterator[Path]:
    """The stages in the order of dvc.yaml, then the other scripts by name."""
    first = [PROJECT / f"src/{stage}.py" for stage in stages()]
    yield from first
    yield from sorted({*(PROJECT / "src").glob("*.py"), *(PROJECT / "src/localpredict").glob("*.py")} - set(first))
