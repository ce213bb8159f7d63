"""Import pictures as the project's data: check them, pack them into one archive and version it with DVC.

The archive's bytes depend only on the pictures, not on the source's format. A kill at any moment leaves the previous
data in place, or set aside so that the next start restores it.
"""

import hashlib
import multiprocessing
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from tqdm import tqdm

from realfake.core.cleanup import RemovedEntry, cache_entries, remove_unused
from realfake.core.errors import UserError
from realfake.core.files import exclusive_lock, require_space, state_folder
from realfake.data import kaggle
from realfake.data.archive import CIFAKE_DIGESTS, LAYOUT, RawPicture, content_digest, read_archive, write_archive
from realfake.data.dataset import CLASSES
from realfake.data.images import PictureError, decode
from realfake.data.versioning import FOLDER, install_data, replacing_data

ARCHIVE = "pictures.tar.gz"
"""Name of the archive in data/, the same for every source, so that the same pictures give the same data.dvc."""
WORK, DOWNLOAD = "work", "kagglehub"
"""Folders in .cache/fetch/ that a kill or an interrupted download leaves behind."""
BATCH = 512
"""Pictures sent to a worker at once."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Spooled:
    """Describe a picture whose file is stored in the spool file."""

    picture: RawPicture
    """The picture with empty `data`."""
    sha256: str
    """SHA-256 of the picture's file, 64 hex digits."""
    start: int
    """Offset of the picture's file in the spool file, in bytes."""
    size: int
    """Size of the picture's file in bytes."""


def fetch(source: Path | None, root: Path, skip_unreadable: bool) -> None:
    """Replace the project's data by the pictures of a source.

    Args:
        source: a folder or archive that `read_archive` reads; None downloads CIFAKE from Kaggle.
        root: the project's folder.
        skip_unreadable: leave out files that are not pictures instead of stopping.

    Raises:
        UserError: the layout is wrong, a picture is unreadable, a class is empty, disk space is too low, or Kaggle or
            DVC fails.
    """
    downloaded = state_folder(FOLDER) / DOWNLOAD
    with replacing_data(root):
        ingest(source or kaggle.download(downloaded), root, skip_unreadable)
        shutil.rmtree(downloaded, ignore_errors=True)


def ingest(source: Path, root: Path, skip_unreadable: bool) -> None:
    """Check all pictures of a source, pack them into one archive and install it; for the arguments see `fetch`."""
    work, ignored = state_folder(FOLDER) / WORK, list[str]()
    spool, incoming = work / "spool", work / "data"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        if source.exists():
            require_space(work, needed_space(source))
        with spool.open("wb") as file:
            pictures = spool_pictures(read_archive(source, ignored), file)
        pictures = readable_pictures(spool, pictures, skip_unreadable)
        require_classes(pictures)
        write_archive(incoming / ARCHIVE, progress(unspool(spool, pictures), "packing", len(pictures)))
        spool.unlink()  # makes room for DVC's copy
        install_data(root, incoming)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if ignored:
        print(f"left out: {len(ignored):,} files outside {LAYOUT} ({', '.join(ignored[:3])})")
    print_summary(pictures)


def spool_pictures(pictures: Iterable[RawPicture], file: BinaryIO) -> list[Spooled]:
    """Append the pictures' files to the spool file, in the source's order, and return them sorted by path."""
    spooled, start = list[Spooled](), 0
    for picture in progress(pictures, "reading"):
        file.write(picture.data)
        digest = hashlib.sha256(picture.data).hexdigest()
        spooled.append(Spooled(replace(picture, data=b""), digest, start, len(picture.data)))
        start += len(picture.data)
    return sorted(spooled, key=lambda item: item.picture.path)


def unspool(spool: Path, pictures: Iterable[Spooled]) -> Iterator[RawPicture]:
    """Read spooled pictures back with their data, in the given order."""
    with spool.open("rb") as file:
        for item in pictures:
            file.seek(item.start)
            yield replace(item.picture, data=file.read(item.size))


def readable_pictures(spool: Path, pictures: list[Spooled], skip_unreadable: bool) -> list[Spooled]:
    """Decode every picture on all cores and return the readable ones.

    Raises:
        UserError: a picture is unreadable and `skip_unreadable` is not set.
    """
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    # Workers of a Pool exit when this process is killed. They ignore Ctrl-C, which this process handles.
    ignore_interrupt = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with multiprocessing.get_context("forkserver").Pool(os.cpu_count(), ignore_interrupt) as pool:
        found = pool.imap(partial(unreadable, spool), batches)
        problems = dict(pair for batch in progress(found, "checking", len(batches), " batches") for pair in batch)
    if not problems:
        return pictures
    examples = "; ".join(f"{path}: {problem}" for path, problem in list(problems.items())[:3])
    count = f"{len(problems):,} of {len(pictures):,} pictures cannot be read ({examples})"
    if not skip_unreadable:
        raise UserError(f"{count}; repair or remove them, or leave them out with --skip-unreadable")
    print(f"left out: {count}")
    return [item for item in pictures if item.picture.path not in problems]


def unreadable(spool: Path, pictures: list[Spooled]) -> list[tuple[str, str]]:
    """Return the paths of the pictures that cannot be decoded, each with the reason."""
    problems = []
    for picture in unspool(spool, pictures):
        try:
            decode(picture.data)
        except PictureError as error:
            problems.append((picture.path, str(error)))
    return problems


def require_classes(pictures: list[Spooled]) -> None:
    """Check that train and test have pictures of both classes.

    Raises:
        UserError: a class is empty; the message names it.
    """
    places = {item.picture.path.rpartition("/")[0] for item in pictures}
    wanted = {f"{split}/{name}" for split in ("train", "test") for name in CLASSES}
    if missing := sorted(wanted - places):
        raise UserError(f"no pictures in {', '.join(missing)}; both classes are needed in train and in test")


def needed_space(source: Path) -> int:
    """Return the bytes of disk needed to import a source: its pictures unpacked, the new archive and DVC's copy."""
    if source.is_dir():
        return 2 * sum(file.lstat().st_size for file in source.rglob("*"))
    # CIFAKE's pictures are three times as large as their .tar.gz, because all JPEG headers are alike.
    return (5 if source.name.lower().endswith("gz") else 2) * source.stat().st_size


def progress(items: Iterable[Item], what: str, total: int | None = None, unit: str = " pictures") -> Iterable[Item]:
    """Iterate with a progress bar on a terminal; elsewhere print one line with the name of the step."""
    if not sys.stderr.isatty():
        print(what, flush=True)
    return tqdm(items, desc=what, total=total, unit=unit, leave=False, disable=None)


def print_summary(pictures: list[Spooled]) -> None:
    """Print the number of pictures by split and class, and whether they are CIFAKE as its authors released it."""
    counts = Counter((item.picture.split, item.picture.label) for item in pictures)
    for split in ("train", "test"):
        print(f"  {split:<6}" + "  ".join(f"{name} {counts[split, label]:>7,}" for label, name in enumerate(CLASSES)))
    entries = [(item.picture.path, item.sha256) for item in pictures]
    digest = content_digest(entries)
    print(f"content digest {digest}: {'' if digest in CIFAKE_DIGESTS else 'not '}the authors' full release of CIFAKE")
    for split in ("train", "test"):
        known = CIFAKE_DIGESTS.get(content_digest(entry for entry in entries if entry[0].startswith(split)))
        if known and digest not in CIFAKE_DIGESTS:
            print(f"  {split} is {known}")
    print(f"data/{ARCHIVE} is versioned in data.dvc; `dvc repro` goes on from here, --sample goes back")


def remove_leftovers(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove files that a killed fetch or an interrupted download left behind more than `days` days ago.

    Data that was set aside is kept: the next fetch restores it.
    """

    def leftovers() -> list[Path]:
        return [entry for entry in cache_entries(FOLDER) if entry.name in (WORK, DOWNLOAD)]

    if dry_run or not leftovers():
        return remove_unused(leftovers(), days, dry_run)
    with exclusive_lock("fetch"):  # a running fetch keeps its files
        return remove_unused(leftovers(), days, dry_run)
