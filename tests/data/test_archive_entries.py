"""Folders, .zip and tar archives are read to their end; damaged archives and other files are refused."""

import random
from pathlib import Path

import pytest
from archives import contents, write_folder, write_tar, write_zip

from realfake.core.errors import UserError
from realfake.data.archive_entries import entries

FILES = {
    "train/FAKE/0000.jpg": b"a" * 600,
    "train/REAL/0000 (2).jpg": b"b" * 512,
    "train/REAL/0000.jpg": b"c",
    "test/FAKE/é.jpg": b"",
    "test/REAL/0.jpg": random.Random(0).randbytes(30_000),
}


@pytest.mark.parametrize("name", ["folder", "x.zip", "x.tar", "X.TGZ"])
def test_every_source_has_the_same_entries(tmp_path: Path, name: str) -> None:
    write = {"folder": write_folder, "x.zip": write_zip}.get(name, write_tar)
    source = write(tmp_path / name, FILES)
    found = {entry: (size, read()) for entry, size, read in entries(source) if read is not None}
    assert found == {entry: (len(data), data) for entry, data in FILES.items()}
    assert list(found) == sorted(FILES) if name == "folder" else list(FILES)


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_an_archive_truncated_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    whole = (write_zip if name == "x.zip" else write_tar)(tmp_path / name, FILES).read_bytes()
    # A tar ends with two blocks of zeros; the padding after them may be missing.
    end = len(whole.rstrip(b"\0")) + 512 if name == "x.tar" else len(whole)
    for length in {*range(0, end, 256), end - 1}:
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(UserError, match=f"{name} is damaged"):
            contents(tmp_path / name)


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_a_changed_byte_is_detected(tmp_path: Path, name: str) -> None:
    data = bytearray((write_zip if name == "x.zip" else write_tar)(tmp_path / name, FILES).read_bytes())
    data[len(data) // 3] ^= 0xFF
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        contents(tmp_path / name)


def test_an_invalid_header_in_the_middle_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", FILES)
    data = bytearray(path.read_bytes())
    data[data.index(b"train/REAL/0000.jpg")] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(UserError, match="invalid header"):
        contents(path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"train/REAL/1.jpg": b"x"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1  # the flag of encryption
    path.write_bytes(data)
    with pytest.raises(UserError, match="password"):
        contents(path)


@pytest.mark.parametrize(("name", "message"), [("absent.zip", "does not exist"), ("x.rar", "neither a folder nor")])
def test_missing_files_and_other_types_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "x.rar").write_bytes(b"Rar!")
    with pytest.raises(UserError, match=message):
        contents(tmp_path / name)
