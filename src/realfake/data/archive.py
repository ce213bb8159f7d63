"""Raw pictures from a folder, a .zip or a tar archive in CIFAKE's layout, one at a time; nothing is unpacked to disk.

The layout is train|test / REAL|FAKE / file. Folders before the split are dropped (`cifake/train/REAL/0001.jpg`), and
the names of split and class may be written in any case.
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
CIFAKE_DIGESTS = {
    "ea9f7d74b64f6b14d969c95be945064fb1148ca73b17916bedcbde515b36baee": "the authors' full release of CIFAKE",
    "6a02b2184bb732993e8629880ccb66b98f042cda145f4d68ca8a31572a51e6b3": "train of the authors' release of CIFAKE",
    "39ea8380c5e62debb107dd6388321b4a8bcc8673f893f26b5b524b3431ca2e9c": "test of the authors' release of CIFAKE",
}
"""What is known by its content digest: 120,000, 100,000 and 20,000 pictures."""

MAX_BYTES = 256 * 2**20
"""Files above this are refused before they are read: no picture needs it, and an archive can claim any size."""

_SPLITS = ("train", "test")
_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RawPicture:
    """One picture's file as it stands in the source, not yet decoded."""

    split: str
    """train or test."""
    label: int
    """FAKE 0, REAL 1."""
    name: str
    """File name only."""
    data: bytes

    @property
    def path(self) -> str:
        """Its place in CIFAKE's layout, `train/REAL/0001.jpg`; unique in an archive."""
        return f"{self.split}/{CLASSES[self.label]}/{self.name}"


def find_archive(data: Path) -> Path:
    """The one archive in the data folder, or the folder itself when it holds train/ and test/.

    Raises:
        UserError: there is none, or more than one.
    """
    entries = sorted(data.iterdir()) if data.is_dir() else []
    found = [entry for entry in entries if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")]
    if set(_SPLITS) <= {entry.name.lower() for entry in entries if entry.is_dir()}:
        found.append(data)
    if not found:
        raise UserError(
            f"{data}/ holds no pictures: neither an archive ({', '.join(SUFFIXES)}) nor train/ and test/; "
            "`make data` (or `dvc pull data.dvc`, or `python src/fetch.py --sample`) brings the sample"
        )
    if len(found) > 1:
        names = ", ".join("train/ and test/" if path == data else path.name for path in found)
        raise UserError(f"{data}/ holds {names}; keep one of them, so that it is clear which pictures are meant")
    return found[0]


def read_archive(path: Path, strays: list[str] | None = None) -> Iterator[RawPicture]:
    """Read all pictures of a source, in stored order (a folder: sorted by path), holding one in memory at a time.

    Hidden files, what systems leave behind (__MACOSX, Thumbs.db) and empty folders are passed over. Nothing is
    decoded, and no name from the archive ever becomes a path on disk.

    Args:
        path: a folder, .zip, .tar, .tar.gz or .tgz.
        strays: receives the names of entries that lie outside the layout, and of links.

    Raises:
        UserError: the source is missing, damaged, cut off or encrypted; nothing in it, or a picture in it, fits the
            layout; two files have the same path; a name leaves the archive (`..`); a file is larger than MAX_BYTES.
    """
    try:
        yield from _pictures(path, [] if strays is None else strays)
    except DAMAGE as error:
        raise UserError(f"{path} is damaged or cut off ({one_line(error)}); copy or download it again") from None
    except NotImplementedError as error:
        raise UserError(f"{path} cannot be read ({one_line(error)}); pack it again, as a plain .zip") from None


def write_archive(path: Path, pictures: Iterable[RawPicture]) -> None:
    """Write pictures as one .tar.gz whose bytes depend on their paths and bytes alone; atomic.

    Args:
        path: the file to write.
        pictures: sorted by `path`; the files are stored as they are.

    Raises:
        ValueError: the pictures are not sorted, or two have the same path.
    """
    last = ""
    # Level 9 takes no longer than 1 on pictures this small and saves 4 %.
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
    """One digest for a set of pictures, whatever archive they lie in.

    SHA-256 over the lines `SHA256(file)␠␠split/CLASS/name`, as sha256sum writes them, sorted bytewise by path.

    Args:
        entries: (path, SHA-256 of the file as 64 hex digits), in any order.

    Returns:
        64 hex digits; CIFAKE_DIGESTS names the known ones.
    """
    # Sorting by code points is sorting by UTF-8 bytes.
    return text_digest(f"{sha256}  {path}" for path, sha256 in sorted(entries))


def _pictures(path: Path, strays: list[str]) -> Iterator[RawPicture]:
    seen: dict[str, str] = {}
    root = None
    for name, size, read in entries(path):
        parts = _parts(path, name)
        if any(part.startswith(".") or part.lower() in _LITTER for part in parts):
            continue
        place = _place(path, parts)
        if place is None or read is None:
            strays.append(name)
            continue
        folder, split, label = place
        if size > MAX_BYTES:
            raise UserError(f"{path}: {name} has {size:,} bytes; a picture may have {MAX_BYTES:,} at most")
        if folder != (root := folder if root is None else root):
            raise UserError(f"{path} holds pictures below {root or '.'}/ and {folder or '.'}/; keep one data set in it")
        picture = RawPicture(split, label, parts[-1], read())
        if picture.path in seen:
            raise UserError(f"{path} holds {picture.path} twice ({seen[picture.path]}, {name}); keep one of them")
        seen[picture.path] = name
        yield picture
    if not seen:
        found = f"found {', '.join(strays[:3])}" if strays else "it is empty"
        raise UserError(f"{path} holds no picture at {LAYOUT} ({found}); arrange the files so, in any folder")


def _parts(path: Path, name: str) -> list[str]:
    unified = name.replace("\\", "/")
    parts = [part for part in unified.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or unified.startswith("/") or re.match("[A-Za-z]:", name):
        raise UserError(f"{path} holds {name!r}, a name that leads out of it; make the archive anew")
    if _UNPRINTABLE.search(name):
        raise UserError(f"{path} holds {name!r}; rename that file in plain Unicode (UTF-8), without control characters")
    return parts


def _place(path: Path, parts: list[str]) -> tuple[str, str, int] | None:
    """The folders before the split, the split and the label; None outside the layout."""
    folders = [part.lower() for part in parts[:-1]]
    for start, (split, label) in enumerate(pairwise(folders)):
        if split in _SPLITS and label.upper() in CLASSES:
            if start + 2 < len(folders):
                raise UserError(
                    f"{path}: {'/'.join(parts)} lies in a folder below {parts[start + 1]}/; "
                    "move its files up, under names of their own"
                )
            return "/".join(parts[:start]), split, CLASSES.index(label.upper())
    return None
