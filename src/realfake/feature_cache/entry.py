"""Fill, read, describe and remove one entry of the feature cache: a folder with the features of some pictures.

The folder has `features.f16` (raw float16, one picture after another) and `about.json` (a description for people and
for `make cache`). During the computation the features are in `features.partial`, and `done` has the number of pictures
whose features are written, so that a killed computation can continue. A lock file beside the folder is locked shared
while the entry is read, and exclusively while it is computed or removed; the operating system releases the lock when
the process ends. The lock file is never deleted: a process that still has the deleted file open would not be locked
out.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from realfake.core.arrays import Features
from realfake.core.errors import UserError
from realfake.core.files import atomic_file, key_of
from realfake.core.json_files import read_json, write_json

Compute = Callable[[int], Iterator[Features]]
"""A function from the number of pictures that are done to the features of the following pictures, batch by batch."""
SAVE_EVERY = 10.0
"""Seconds between two saves of the progress, the most work that a kill can lose."""


@dataclass(frozen=True)
class EntrySpec:
    """Specify an entry that a training needs: the features of one view of one split's pictures."""

    identity: Mapping[str, Any]
    """Everything that determines the features' bytes; any JSON. Its digest is the key."""
    about: Mapping[str, Any]
    """Description for people, written to about.json: title, runtime and seed."""
    shape: tuple[int, ...]
    """Shape of the features, (N, ...) for N pictures."""

    @property
    def key(self) -> str:
        """Return the entry's name, 32 hex digits."""
        return key_of(self.identity)

    @property
    def size(self) -> int:
        """Return the size of the features in bytes."""
        return int(np.prod(self.shape)) * 2


@dataclass(frozen=True)
class StoredEntry:
    """Describe an entry found on disk."""

    key: str
    """Name of its folder, 32 hex digits."""
    about: Mapping[str, Any]
    """Content of its about.json; empty if there is none."""
    size: int
    """Size of its files in bytes."""
    done: float
    """Fraction of the features that is computed, 0 to 1."""
    used: float
    """Time of its last use, in seconds since 1970."""
    in_use: bool
    """Whether a process reads or computes it."""


class Entry:
    """Manage the entry in a folder, which does not have to exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock_file = folder, folder.with_name(f"{folder.name}.lock")
        self._features, self._partial = folder / "features.f16", folder / "features.partial"
        self._about, self._done = folder / "about.json", folder / "done"

    @contextmanager
    def shared(self, title: str) -> Iterator[None]:
        """Lock the entry for reading; print a line with `title` and wait if another process computes or removes it."""
        with self._lock_file.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting for another process that computes {title}", flush=True)
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Try to lock the entry exclusively, without waiting (that would be for readers too); yield whether it is."""
        with self._lock_file.open("ab") as lock:
            yield _try_lock(lock)

    def is_complete(self, size: int) -> bool:
        """Return whether all features are stored; `size` is their expected size in bytes."""
        return self._features.is_file() and self._features.stat().st_size == size

    def open(self, shape: tuple[int, ...]) -> Features:
        """Map the features of a complete entry into memory, float16 of this shape, and record their use."""
        os.utime(self._features)
        return np.memmap(self._features, np.float16, "r", shape=shape)

    def fill(self, spec: EntrySpec, compute: Compute) -> None:
        """Compute the features, continuing where a killed computation stopped.

        Raises:
            UserError: the disk is full.
        """
        self._folder.mkdir(exist_ok=True)
        done = _read_number(self._done) if self._partial.is_file() else 0
        if not done:
            self._done.unlink(missing_ok=True)  # the count of an earlier filling does not hold for the new, empty file
            write_json(self._about, {**spec.about, "shape": spec.shape})
            _reserve(self._partial, spec.size)
        features = np.memmap(self._partial, np.float16, "r+", shape=spec.shape)
        saved = time.monotonic()
        try:
            for batch in compute(done):
                features[done : done + len(batch)] = batch
                done += len(batch)
                if time.monotonic() - saved > SAVE_EVERY:
                    _save(features, self._done, done)
                    saved = time.monotonic()
        finally:
            _save(features, self._done, done)
        self._partial.rename(self._features)

    def describe(self) -> StoredEntry:
        """Describe the entry as it is stored.

        Raises:
            FileNotFoundError: another process removed it.
        """
        with self.exclusive() as unused:
            about = read_json(self._about) if self._about.is_file() else {}
            files = _stats(self._folder)
            complete = self._features.is_file()
            done = _read_number(self._done) / about["shape"][0] if about and not complete else float(complete)
        used = max((file.st_mtime for file in files), default=0.0)
        return StoredEntry(self._folder.name, about, sum(file.st_size for file in files), done, used, not unused)

    def remove(self) -> bool:
        """Remove the entry unless a process reads or computes it; return whether it was removed."""
        with self.exclusive() as unused:
            if unused:
                shutil.rmtree(self._folder, ignore_errors=True)
            return unused


def _try_lock(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stats(folder: Path) -> list[os.stat_result]:
    """Return the status of each file in a folder, without files that another process removes meanwhile."""
    stats = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            stats.append(path.stat())
    return stats


def _reserve(path: Path, size: int) -> None:
    """Reserve the disk space: writing a mapped page on a full disk would crash the process instead of raising.

    Raises:
        UserError: the disk is full.
    """
    with path.open("wb") as file:
        try:
            if hasattr(os, "posix_fallocate"):  # not on macOS
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
        except OSError as error:
            path.unlink()
            raise UserError(
                f"cannot reserve {size / 1e9:.2f} GB for {path} ({error.strerror}); free disk space, or lower "
                "train.cache.max_gb"
            ) from None


def _save(features: np.memmap[Any, Any], progress: Path, done: int) -> None:
    features.flush()
    with atomic_file(progress) as file:
        file.write(str(done).encode())


def _read_number(path: Path) -> int:
    """Read a number from a file, 0 if the file is missing or damaged."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0
