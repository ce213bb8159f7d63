"""A file says what it is, in every format, with the same bytes every time; and what it says is checked."""

import zipfile

import pytest

from realfake.core.errors import UserError
from realfake.inference.metadata import KEY, Description, attach, read_archived

GIVEN = Description(32, 128, 0.4, "d" * 64, "m" * 64, {"accuracy": 0.9})


def test_it_survives_its_text(tmp_path):
    assert Description.parse(GIVEN.text(), tmp_path) == GIVEN


def test_an_archive_holds_it_and_other_files_do_not(tmp_path):
    for name in ("model.keras", "again.keras"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo("config.json"), "{}")
        assert read_archived(tmp_path / name) is None
        attach(tmp_path / name, GIVEN)
    assert read_archived(tmp_path / "model.keras") == GIVEN
    assert (tmp_path / "model.keras").read_bytes() == (tmp_path / "again.keras").read_bytes()


def test_a_flat_file_gets_an_archive_at_its_end(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(b"flatbuffer")
    assert read_archived(file) is None
    attach(file, GIVEN)
    assert file.read_bytes().startswith(b"flatbuffer")
    assert read_archived(file) == GIVEN


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"labels": ["FAKE", "REAL"], "colour": "blue"}'])
def test_a_description_of_another_kind_is_refused(tmp_path, text):
    file = tmp_path / "model.tflite"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(KEY, text)
    with pytest.raises(UserError, match="describes itself in a way this version does not know; export it again"):
        read_archived(file)
