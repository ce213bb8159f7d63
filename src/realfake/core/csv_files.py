"""Write and read the stages' CSV files: equal rows give equal bytes, and every row is checked when it is read."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from realfake.core.errors import UserError
from realfake.core.files import atomic_file

Row = TypeVar("Row")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows as a CSV file, atomically, with `\\n` as the line end on every system."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    with atomic_file(path) as file:
        file.write(text.getvalue().encode())


def read_csv(path: Path, header: Sequence[str], parse: Callable[[list[str]], Row], command: str) -> list[Row]:
    """Read the rows of a file that `write_csv` wrote.

    Args:
        path: the CSV file.
        header: names of the columns that the file must have.
        parse: converts a row's cells; raises ValueError for a wrong number of cells or a cell of the wrong type.
        command: the command that writes the file, for the error message.

    Raises:
        UserError: the file is missing, has other columns, or has a row that `parse` refuses.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            if next(lines, None) != [*header]:
                raise ValueError("unexpected columns")
            return [parse(line) for line in lines]
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `{command}` makes it") from None
    except (ValueError, csv.Error):
        raise UserError(f"{path} is damaged; `{command}` makes it again") from None
