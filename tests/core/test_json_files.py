"""JSON files: values are read back, equal values give equal bytes, and an unreadable file is a one-line error."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pytest

from realfake.core.errors import UserError
from realfake.core.json_files import read_json, read_record, write_json


def test_a_value_is_read_back_and_written_to_the_same_bytes(tmp_path):
    value = {"naïve": [1, 0.1, None, True]}
    for name in ("a.json", "b.json"):
        write_json(tmp_path / name, value)
        assert read_json(tmp_path / name) == value
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").read_text().endswith("}\n")


def test_missing_and_invalid_json_name_the_file_and_the_command(tmp_path):
    with pytest.raises(UserError, match=r"a\.json is missing.*`dvc repro`"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json is not valid JSON.*`dvc repro`"):
        read_json(tmp_path / "a.json")


@dataclass(frozen=True)
class Row:
    name: str
    value: float | None


@dataclass(frozen=True)
class Record:
    rows: tuple[Row, ...]
    counts: Mapping[str, int]


def test_a_record_is_read_as_its_type(tmp_path):
    record = Record((Row("a", 1.0), Row("b", None)), {"train": 3})
    write_json(tmp_path / "a.json", asdict(record) | {"added later": 1})
    assert read_record(Record, tmp_path / "a.json", "make a") == record
    write_json(tmp_path / "b.json", [asdict(row) for row in record.rows])
    assert read_record(list[Row], tmp_path / "b.json", "make b") == list(record.rows)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "JSON"),
        ("", "JSON"),
        ('{"rows": []}', "counts"),
        ('{"rows": [{"name": "a", "value": "1"}], "counts": {}}', r"rows\.0\.value"),
        ('{"rows": [], "counts": {"train": 0.5}}', r"counts\.train"),
    ],
)
def test_a_record_that_is_damaged_names_the_place_the_file_and_the_command(tmp_path, text, place):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=rf"a\.json is damaged.*{place}.*`make a`"):
        read_record(Record, tmp_path / "a.json", "make a")


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(UserError, match=r"a\.json is missing.*`make a`"):
        read_record(Record, tmp_path / "a.json", "make a")
