"""Read raw pictures from a folder, a .zip or a tar archive in CIFAKE's layout, one at a time, without unpacking it.

The layout is train|test / REAL|FAKE / file. Folders above the split are dropped (`cifake/train/REAL/0001.jpg`), and the
names of split and class may be in upper or lower case.
"""

import gzip
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from realfake.core.errors import UserError, one_line
from realfake.core.files import atomic_file
from realfake.data.archive_entries import DAMAGE, SUFFIXES, entries
from realfake.data.dataset import CLASSES, text_digest

LAYOUT = "train|test/REAL|FAKE/file"
"""CIFAKE's layout, for messages."""
CIFAKE_DIGESTS = {
    "ea9f7d74b64f6b14d969c95be945064fb1148ca73b17916bedcbde515b36baee": "the authors' full release of CIFAKE",
    "6a02b2184bb732993e8629880ccb66b98f042cda145f4d68ca8a31572a51e6b3": "train of the authors' release of CIFAKE",
    "39ea8380c5e62debb107dd6388321b4a8bcc8673f893f26b5b524b3431ca2e9c": "test of the authors' release of CIFAKE",
}
"""Known data sets by content digest: 120,000, 100,000 and 20,000 pictures."""

MAX_BYTES = 256 * 2**20
"""Largest file in bytes: a larger one is refused before it is read, since an archive can claim any size."""

_SPLITS = ("train", "test")
_SYSTEM_FILES = {"__macosx", "thumbs.db", "desktop.ini"}
"""Names, in lower case, of files and folders that operating systems add to archives."""
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RawPicture:
    """Hold one picture's file as it is in the source, not decoded."""

    split: str
    """train or test."""
    label: int
    """FAKE = 0, REAL = 1."""
    name: str
    """File name without folders."""
    data: bytes
    """Content of the file."""

    @property
    def path(self) -> str:
        """Return the path in CIFAKE's layout, such as `train/REAL/0001.jpg`; it is unique in an archive."""
        return f"{self.split}/{CLASSES[self.label]}/{self.name}"


def find_archive(data: Path) -> Path:
    """Return the only archive in the data folder, or the folder itself when it contains train/ and test/.

    Raises:
        UserError: the folder has no pictures, or more than one source of them.
    """
    entries = sorted(data.iterdir()) if data.is_dir() else []
    found = [entry for entry in entries if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")]
    if set(_SPLITS) <= {entry.name.lower() for entry in entries if entry.is_dir()}:
        found.append(data)
    if not found:
        raise UserError(
            f"{data}/ contains no pictures: neither an archive ({', '.join(SUFFIXES)}) nor train/ and test/; "
            "`make data` (or `dvc pull data.dvc`, or `python src/fetch.py --sample`) brings the sample"
        )
    if len(found) > 1:
        names = ", ".join("train/ and test/" if path == data else path.name for path in found)
        raise UserError(f"{data}/ contains {names}; keep only the one to use")
    return found[0]


def read_archive(path: Path, ignored: list[str] | None = None) -> Iterator[RawPicture]:
    """Iterate over all pictures of a source in stored order (a folder: sorted by path), with one in memory at a time.

    Hidden files, files of operating systems (__MACOSX, Thumbs.db) and empty folders are skipped. No picture is decoded,
    and no name from the archive is ever used as a path on disk.

    Args:
        path: a folder, .zip, .tar, .tar.gz or .tgz.
        ignored: a list that receives the names of links and of files outside the layout.

    Raises:
        UserError: the source is missing, damaged, truncated or encrypted; it contains no picture in the layout, or one
            in a folder below its class; two files have the same path; a name points outside the archive (`..`); a file
            is larger than MAX_BYTES.
    """
    try:
        yield from _pictures(path, [] if ignored is None else ignored)
    except DAMAGE as error:
        raise UserError(f"{path} is damaged or truncated ({one_line(error)}); copy or download it again") from None
    except NotImplementedError as error:
        raise UserError(f"{path} cannot be read ({one_line(error)}); pack it again, as a plain .zip") from None


def write_archive(path: Path, pictures: Iterable[RawPicture]) -> None:
    """Write pictures as one .tar.gz, atomically; its bytes depend only on the pictures' paths and contents.

    Args:
        path: the file to write.
        pictures: pictures sorted by `path`; their files are stored unchanged.

    Raises:
        ValueError: the pictures are not sorted, or two have the same path.
    """
    last = ""
    # Level 9 is as fast as level 1 on pictures this small and saves 4 %.
    with atomic_file(path) as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        for picture in pictures:
            if picture.path <= last:
                raise ValueError(f"{picture.path} comes after {last}; sort pictures by path")
            last = picture.path
            member = tarfile.TarInfo(picture.path)
            member.size = len(picture.data)
            packed.write(member.tobuf() + picture.data + bytes(-member.size % tarfile.BLOCKSIZE))
        packed.write(bytes(2 * tarfile.BLOCKSIZE))


def content_digest(entries: Iterable[tuple[str, str]]) -> str:
    """Return a digest of a set of pictures that does not depend on the archive that contains them.

    It is the SHA-256 of the lines `SHA256(file)␠␠split/CLASS/name`, as sha256sum writes them, sorted bytewise by path.

    Args:
        entries: path and SHA-256 (64 hex digits) of each file, in any order.

    Returns:
        64 hex digits; CIFAKE_DIGESTS names the known data sets.
    """
    # Sorting by code points is sorting by UTF-8 bytes.
    return text_digest(f"{sha256}  {path}" for path, sha256 in sorted(entries))


def _pictures(path: Path, ignored: list[str]) -> Iterator[RawPicture]:
    """Iterate over the pictures of a source; for the arguments see `read_archive`."""
    seen: dict[str, str] = {}
    root = None
    for name, size, read in entries(path):
        parts = _parts(path, name)
        if any(part.startswith(".") or part.lower() in _SYSTEM_FILES for part in parts):
            continue
        location = _location(path, parts)
        if location is None or read is None:
            ignored.append(name)
            continue
        folder, split, label = location
        if size > MAX_BYTES:
            raise UserError(f"{path}: {name} has {size:,} bytes; a picture may have {MAX_BYTES:,} at most")
        if folder != (root := folder if root is None else root):
            raise UserError(
                f"{path} contains pictures below {root or '.'}/ and {folder or '.'}/; keep one data set in it"
            )
        picture = RawPicture(split, label, parts[-1], read())
        if picture.path in seen:
            raise UserError(f"{path} contains {picture.path} twice ({seen[picture.path]}, {name}); keep one of them")
        seen[picture.path] = name
        yield picture
    if not seen:
        found = f"found {', '.join(ignored[:3])}" if ignored else "it is empty"
        raise UserError(f"{path} contains no picture at {LAYOUT} ({found}); arrange its files like that")


def _parts(path: Path, name: str) -> list[str]:
    """Split an entry's name into folders and file name, refusing names that are unsafe or cannot be shown."""
    unified = name.replace("\\", "/")
    parts = [part for part in unified.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or unified.startswith("/") or re.match("[A-Za-z]:", name):
        raise UserError(f"{path} contains {name!r}, a name that points outside the archive; create the archive again")
    if _UNPRINTABLE.search(name):
        raise UserError(
            f"{path} contains {name!r}; rename that file in plain Unicode (UTF-8), without control characters"
        )
    return parts


def _location(path: Path, parts: list[str]) -> tuple[str, str, int] | None:
    """Return the folders above the split, the split and the label of a picture; None for a file outside the layout."""
    folders = [part.lower() for part in parts[:-1]]
    for start, (split, label) in enumerate(pairwise(folders)):
        if split in _SPLITS and label.upper() in CLASSES:
            if start + 2 < len(folders):
                raise UserError(
                    f"{path}: {'/'.join(parts)} is in a folder below {parts[start + 1]}/; "
                    "move the files of that folder up, under unique names"
                )
            return "/".join(parts[:start]), split, CLASSES.index(label.upper())
    return None
