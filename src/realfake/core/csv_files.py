"""CSV files that stages write and read: the same rows give the same bytes, and what is read is checked."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from realfake.core.errors import UserError
from realfake.core.files import atomic_file

Row = TypeVar("Row")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows under a header, atomically, lines ended by a newline alone."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    with atomic_file(path) as file:
        file.write(text.getvalue().encode())


def read_csv(path: Path, header: Sequence[str], parse: Callable[[list[str]], Row], command: str) -> list[Row]:
    """Read the rows of a file that `write_csv` wrote.

    Args:
        path: the file.
        header: its columns.
        parse: makes a row of its cells; raises ValueError where they are too few or none of their kind.
        command: the command that writes the file, for the error message.

    Raises:
        UserError: the file is missing, has other columns, or a row that is none.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            if next(lines, None) != [*header]:
                raise ValueError("other columns")
            return [parse(line) for line in lines]
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `{command}` makes it") from None
    except (ValueError, csv.Error):
        raise UserError(f"{path} is damaged; `{command}` makes it again") from None
