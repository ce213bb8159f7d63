"""The pages of the documentation as a reader meets them: their links, their commands, the files that they name."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import PROJECT

from realfake.config.schema import flatten, load_params

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SEPARATOR = re.compile(r"(?:;(?=\s)|&&|\|)(?=(?:[^']*'[^']*')*[^']*$)")
"""What separates two commands in a line, outside single quotes."""
ASSIGNMENT = re.compile(r"\w+=\S*")
"""A variable before or instead of a command."""
MLFLOW = ("ui", "server", "models serve")
"""Commands that other tests run for real; asking MLflow itself would take ten seconds."""


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    def prose(self) -> str:
        """What stands outside blocks of code."""
        return BLOCK.sub("", self.text)

    def blocks(self) -> list[tuple[str, str]]:
        """Language and text of each block of code."""
        return BLOCK.findall(self.text)

    def links(self) -> list[str]:
        """Targets of links and pictures that are no addresses."""
        found = re.findall(r"\]\(([^)\s]+)\)", self.prose())
        return [target for target in found if not re.match(r"https?://|mailto:", target)]

    def anchors(self) -> set[str]:
        """Names that headings can be linked by, as GitHub and MkDocs make them."""
        headings = re.findall(r"^#+ (.+)$", self.prose(), flags=re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}

    def commands(self) -> Iterator[list[str]]:
        """The commands that a reader may copy, as words: lines of `bash` blocks, and what stands in the prose."""
        lines = [line for language, block in self.blocks() if language == "bash" for line in block.splitlines()]
        lines += re.findall(r"`((?:make|python|dvc|mlflow) [^`]+)`", self.prose())
        for line in lines:
            for part in SEPARATOR.split(line.partition(" #")[0]):
                words = shlex.split(part, comments=True)
                while words and (words[0] == "export" or ASSIGNMENT.fullmatch(words[0])):
                    words = words[1:]
                if words:
                    yield words


def wrong(words: list[str]) -> str | None:
    """What would not work in a command of the documentation; None where nothing is found."""
    program, *rest = words
    check = {"make": _wrong_target, "python": _wrong_script, "dvc": _wrong_dvc, "mlflow": _wrong_mlflow}
    return check[Path(program).name](rest) if Path(program).name in check else None


def _wrong_target(rest: list[str]) -> str | None:
    makefile = (PROJECT / "Makefile").read_text()
    for word in rest:
        name, equals, value = word.partition("=")
        if equals and not re.search(rf"\$\({name}\)|^{name} \?=|\$\(if \$\({name}\)", makefile, re.MULTILINE):
            return f"the Makefile has no variable {name}"
        if not equals and not re.search(rf"^{name}:", makefile, re.MULTILINE):
            return f"the Makefile has no target {name}"
        if name == "RECIPE" and not (PROJECT / f"recipes/{value}.yaml").is_file():
            return f"no recipe {value}"
    return None


def _wrong_script(rest: list[str]) -> str | None:
    script = PROJECT / rest[0]
    if not script.is_file():
        return f"{rest[0]} is not there"
    source = script.read_text(encoding="utf-8")
    options = {word.partition("=")[0] for word in rest[1:] if word.startswith("--")}
    if unknown := {option for option in options if f'"{option}"' not in source}:
        return f"{rest[0]} has no {', '.join(sorted(unknown))}"
    plain = [word for word in rest[1:] if re.fullmatch(r"[a-z]\w*", word)]
    if rest[0] == "src/use.py" and (missing := [w for w in plain if not (PROJECT / f"recipes/{w}.yaml").is_file()]):
        return f"no recipe {missing[0]}"
    if rest[0] == "benchmarks/run.py" and (missing := [w for w in plain if f'"{w}"' not in source]):
        return f"no benchmark {missing[0]}"
    return _unknown_parameter(rest[1:]) if rest[0] == "src/override.py" else None


def _unknown_parameter(assignments: list[str]) -> str | None:
    known = flatten(load_params(PROJECT / "recipes/quick.yaml"))
    names = [word.partition("=")[0] for word in assignments]
    unknown = [name for name in names if name not in known and name != "NAME"]
    return f"no parameter {unknown[0]}" if unknown else None


def _wrong_dvc(rest: list[str]) -> str | None:
    from dvc.cli import DvcParserError
    from dvc.cli.parser import get_main_parser

    try:
        parsed = get_main_parser().parse_args(rest)
    except (DvcParserError, SystemExit) as error:
        return f"dvc does not take it: {error}"
    return _unknown_parameter(getattr(parsed, "set_param", None) or [])


def _wrong_mlflow(rest: list[str]) -> str | None:
    started = [name for name in MLFLOW if rest[: len(name.split())] == name.split()]
    return None if started else f"mlflow {' '.join(rest)} is not among the commands that tests run"
