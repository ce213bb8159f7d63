"""Set parameters of params.yaml, comments kept: `python src/override.py train.epochs=3 train.dropout=0.3`.

All or none: what is unknown, out of range or does not go together is refused with one line.
"""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.config.editing import apply, value_of
from realfake.config.schema import load_params
from realfake.core.errors import UserError, run
from realfake.core.files import atomic_file, workspace


def override(params: Path, values: Mapping[str, Any]) -> None:
    """Set parameters by their dotted names.

    Raises:
        UserError: the result would be no valid params.yaml; it stays as it was.
    """
    with TemporaryDirectory() as folder:
        changed = Path(shutil.copy(params, folder))
        for name, value in values.items():
            group, _, rest = name.partition(".")
            try:
                apply(changed, {rest: value}, group)
            except (KeyError, TypeError):
                raise UserError(f"{name} is no parameter; params.yaml names them all, such as train.epochs") from None
        load_params(changed)
        with atomic_file(params) as file:
            file.write(changed.read_bytes())


def assignments(words: Sequence[str]) -> dict[str, Any]:
    """Names and values of `name=value` words; one argument may hold several, with spaces between.

    Raises:
        UserError: a word is no assignment.
    """
    values: dict[str, Any] = {}
    for word in " ".join(words).split():
        name, equals, text = word.partition("=")
        if not (equals and text and "." in name):
            raise UserError(f"{word!r} is no assignment; expected group.name=value, such as train.epochs=3")
        values[name] = value_of(text)
    return values


def main() -> None:
    """Read the command line and set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="*", help="name=value; the value as params.yaml would have it")
    values = assignments(parser.parse_args().assignment)
    if values:
        override(workspace() / "params.yaml", values)
    for name, value in values.items():
        print(f"{name} is now {value}")


if __name__ == "__main__":
    run(main)
