"""Model files carry their metadata in every format, with reproducible bytes; unreadable metadata are refused."""

import zipfile

import pytest

from realfake.core.errors import UserError
from realfake.inference.metadata import KEY, Description, attach, read_archived

GIVEN = Description(32, 128, 0.4, "d" * 64, "m" * 64, {"accuracy": 0.9})


def test_metadata_survive_writing_and_reading(tmp_path):
    assert Description.from_json(GIVEN.to_json(), tmp_path) == GIVEN


def test_a_keras_file_holds_them_as_a_member(tmp_path):
    for name in ("model.keras", "again.keras"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo("config.json"), "{}")
        assert read_archived(tmp_path / name) is None
        attach(tmp_path / name, GIVEN)
    assert read_archived(tmp_path / "model.keras") == GIVEN
    assert (tmp_path / "model.keras").read_bytes() == (tmp_path / "again.keras").read_bytes()


def test_a_litert_file_holds_them_in_an_appended_archive(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(b"flatbuffer")
    assert read_archived(file) is None
    attach(file, GIVEN)
    assert file.read_bytes().startswith(b"flatbuffer")
    assert read_archived(file) == GIVEN


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"labels": ["FAKE", "REAL"], "colour": "blue"}'])
def test_metadata_with_other_fields_are_refused(tmp_path, text):
    file = tmp_path / "model.tflite"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(KEY, text)
    with pytest.raises(UserError, match=r"model\.tflite.*export"):
        read_archived(file)
