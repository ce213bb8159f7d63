"""Folders, zips and tars with given files, and what the project reads from them."""

import io
import tarfile
import zipfile
from pathlib import Path

from realfake.data.archive import read_archive


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1234567890
            tar.addfile(member, io.BytesIO(data))
    return path


def contents(path: Path, ignored: list[str] | None = None) -> dict[str, bytes]:
    return {picture.path: picture.data for picture in read_archive(path, ignored)}
