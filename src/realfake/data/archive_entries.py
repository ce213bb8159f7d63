"""List the entries of a folder, a .zip or a tar archive, one at a time and without unpacking it."""

import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from realfake.core.errors import UserError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
"""File name suffixes of the archives that can be read."""
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)
"""Exceptions raised while a damaged or truncated archive is read."""

Entry = tuple[str, int, Callable[[], bytes] | None]
"""Name with folders, size in bytes, and a function that reads the content; None for links and special files."""


def entries(path: Path) -> Iterator[Entry]:
    """Iterate over all entries of a source except folders, in stored order (a folder: sorted by path).

    Args:
        path: a folder, .zip, .tar, .tar.gz or .tgz.

    Raises:
        UserError: the source does not exist, is of another type, or is encrypted.
        DAMAGE: the archive is damaged or truncated.
    """
    name = path.name.lower()
    if path.is_dir():
        return _folder_entries(path)
    if not path.is_file():
        raise UserError(f"{path} does not exist; give a folder or an archive ({', '.join(SUFFIXES)})")
    if not name.endswith(SUFFIXES):
        raise UserError(f"{path} is neither a folder nor an archive of a supported type ({', '.join(SUFFIXES)})")
    return _zip_entries(path) if name.endswith(".zip") else _tar_entries(path)


def _folder_entries(path: Path) -> Iterator[Entry]:
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            plain = file.is_file() and not file.is_symlink()
            yield file.relative_to(path).as_posix(), file.lstat().st_size, file.read_bytes if plain else None


def _zip_entries(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise UserError(f"{path} is encrypted; pack it again, without a password")
            if not info.is_dir():
                link = info.external_attr >> 28 == 0o12
                yield info.filename, info.file_size, None if link else partial(archive.read, info)


def _tar_entries(path: Path) -> Iterator[Entry]:
    opener: Callable[[Path, str], Any] = Path.open if path.name.lower().endswith(".tar") else gzip.open
    tar: Any
    with opener(path, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        while (member := tar.next()) is not None:
            if not member.isdir():
                yield member.name, member.size, partial(_member_bytes, tar, member) if member.isreg() else None
            tar.members.clear()  # tarfile keeps every header: half a gigabyte for a million pictures
        _require_end(tar)


def _member_bytes(tar: Any, member: tarfile.TarInfo) -> bytes:
    data: bytes = tar.extractfile(member).read()
    return data


def _require_end(tar: Any) -> None:
    """Check that the archive ends as the format demands: with zero bytes only, and at least one block of them.

    tarfile stops silently at a broken header and at a missing end. Reading to the end also makes gzip verify its
    checksum.
    """
    count = 0
    while block := tar.fileobj.read(2**20):
        count += len(block)
        if block.strip(b"\0"):
            raise tarfile.ReadError("an invalid header")
    if not count:
        raise tarfile.ReadError("the end of the archive is missing")
