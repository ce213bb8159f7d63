"""CSV files: rows are read back, and a missing or damaged file is a one-line error."""

import pytest

from realfake.core.csv_files import read_csv, write_csv
from realfake.core.errors import UserError

HEADER = ("name", "count")


def parse(cells: list[str]) -> tuple[str, int]:
    name, count = cells
    return name, int(count)


def test_rows_are_read_back_with_any_characters_in_their_cells(tmp_path):
    rows = [('a, "b".jpg', 1), ("two\nlines", 2), ("ünï", 3)]
    write_csv(tmp_path / "a.csv", HEADER, rows)
    assert read_csv(tmp_path / "a.csv", HEADER, parse, "make a") == rows
    assert b"\r" not in (tmp_path / "a.csv").read_bytes()


@pytest.mark.parametrize(
    "data", [b"", b"name\n", b"name,count\na\n", b"name,count\na,1,2\n", b"name,count\na,x\n", b"name,count\n\xff,1\n"]
)
def test_a_missing_or_damaged_file_names_the_file_and_the_command(tmp_path, data):
    with pytest.raises(UserError, match=r"a\.csv is missing.*`make a`"):
        read_csv(tmp_path / "a.csv", HEADER, parse, "make a")
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(UserError, match=r"a\.csv is damaged.*`make a`"):
        read_csv(tmp_path / "a.csv", HEADER, parse, "make a")
