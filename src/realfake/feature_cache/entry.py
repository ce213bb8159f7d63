"""One entry of the feature cache: a folder with what frozen layers computed, its locks, and how it is filled.

The folder has `features.f16` (raw float16, one picture after the other) and `about.json` (what it is, for people and
for `make cache`). While it is being computed the first is called `features.partial`, and `done` says how many pictures
of it are written, so that a killed pass goes on. A lock of the operating system, which ends with its process, stands
beside the folder: shared while the entry is read, exclusive while it is computed or removed. Its empty file stays: a
lock on a file that was deleted would lock nobody out.
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
"""Given how many pictures are done, yields the features of the following ones, batch by batch."""
SAVE_EVERY = 10.0
"""Seconds of work that a kill may lose."""


@dataclass(frozen=True)
class EntrySpec:
    """One entry that a training needs: a view of the pictures of one split."""

    identity: Mapping[str, Any]
    """All that determines the features' bytes; any JSON. Its digest is the key."""
    about: Mapping[str, Any]
    """What it is, in words."""
    shape: tuple[int, ...]
    """(N, ...), the pictures first."""

    @property
    def key(self) -> str:
        """The entry's name: 32 hex digits."""
        return key_of(self.identity)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return int(np.prod(self.shape)) * 2


@dataclass(frozen=True)
class StoredEntry:
    """An entry found on disk."""

    key: str
    about: Mapping[str, Any]
    size: int
    """Bytes of its files."""
    done: float
    """The part that is computed, 0 to 1."""
    used: float
    """When it was last opened, in seconds since 1970."""
    in_use: bool


class Entry:
    """An entry by its folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock_file = folder, folder.with_name(f"{folder.name}.lock")
        self._features, self._partial = folder / "features.f16", folder / "features.partial"
        self._about, self._done = folder / "about.json", folder / "done"

    @contextmanager
    def shared(self, title: str) -> Iterator[None]:
        """Keep others from computing or removing the entry; waits, after one line, for one that does."""
        with self._lock_file.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"another process computes {title}; waiting for it", flush=True)
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Lock out all others, and say whether that succeeded: whoever waited here would wait for readers too."""
        with self._lock_file.open("ab") as lock:
            yield _locked(lock)

    def is_whole(self, size: int) -> bool:
        """Whether all features are there; `size` is their number of bytes."""
        return self._features.is_file() and self._features.stat().st_size == size

    def open(self, shape: tuple[int, ...]) -> Features:
        """Map the features of a whole entry into memory, float16 of this shape, and note that they are used."""
        os.utime(self._features)
        return np.memmap(self._features, np.float16, "r", shape=shape)

    def fill(self, wanted: EntrySpec, compute: Compute) -> None:
        """Compute the features, from where a killed pass stopped.

        Raises:
            UserError: the disk is full.
        """
        self._folder.mkdir(exist_ok=True)
        done = _read_number(self._done) if self._partial.is_file() else 0
        if not done:
            self._done.unlink(missing_ok=True)  # of an entry that was whole: it would count for the new, empty file
            write_json(self._about, {**wanted.about, "shape": wanted.shape})
            _reserve(self._partial, wanted.size)
        features = np.memmap(self._partial, np.float16, "r+", shape=wanted.shape)
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
        """Describe the entry as it is on disk.

        Raises:
            FileNotFoundError: another process removed it.
        """
        with self.exclusive() as unused:
            about = read_json(self._about) if self._about.is_file() else {}
            files = _stats(self._folder)
            whole = self._features.is_file()
            part = _read_number(self._done) / about["shape"][0] if about and not whole else float(whole)
        used = max((file.st_mtime for file in files), default=0.0)
        return StoredEntry(self._folder.name, about, sum(file.st_size for file in files), part, used, not unused)

    def remove(self) -> bool:
        """Remove the entry unless a process reads or computes it; says whether it is gone."""
        with self.exclusive() as unused:
            if unused:
                shutil.rmtree(self._folder, ignore_errors=True)
            return unused


def _locked(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stats(folder: Path) -> list[os.stat_result]:
    """Of the files in a folder; whoever computes the entry may replace one between two looks."""
    stats = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            stats.append(path.stat())
    return stats


def _reserve(path: Path, size: int) -> None:
    """Claim the disk space: a full disk is an error here, and a crash of the process when a mapped page is written."""
    with path.open("wb") as file:
        try:
            if hasattr(os, "posix_fallocate"):  # macOS has none
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
        except OSError as error:
            path.unlink()
            raise UserError(
                f"{path} cannot be given {size / 1e9:.2f} GB ({error.strerror}); lower train.cache.max_gb"
            ) from None


def _save(features: np.memmap[Any, Any], progress: Path, done: int) -> None:
    features.flush()
    with atomic_file(progress) as file:
        file.write(str(done).encode())


def _read_number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0
