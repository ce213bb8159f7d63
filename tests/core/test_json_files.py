"""JSON files: what is read back, the same bytes, and what is said of a file that cannot be read."""

import pytest

from realfake.core.errors import UserError
from realfake.core.json_files import read_json, write_json


def test_a_value_is_read_back_and_written_to_the_same_bytes(tmp_path):
    value = {"naïve": [1, 0.1, None, True]}
    for name in ("a.json", "b.json"):
        write_json(tmp_path / name, value)
        assert read_json(tmp_path / name) == value
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").read_text().endswith("}\n")


def test_unreadable_json_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match="`dvc repro` makes it"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match="no JSON"):
        read_json(tmp_path / "a.json")
