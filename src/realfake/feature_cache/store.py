"""What frozen layers computed, kept on disk under a key of all that determines it: the store, without Keras.

An entry is a folder `.cache/trunk/<key>` with `features.f16` (raw float16, one picture after the other) and
`about.json` (what it is, for people and for `make cache`). While it is being computed the first is called
`features.partial`, and `done` says how many pictures of it are written, so that a killed pass goes on. Locks of the
operating system, which end with their process, stand beside the folders: shared while an entry is read, exclusive while
it is computed or removed. Their empty files stay: a lock on a file that was deleted would lock nobody out.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from realfake.core.arrays import Features
from realfake.core.cleanup import Removed, kept_in, remove_unused
from realfake.core.errors import UserError
from realfake.core.files import atomic_file, key_of, state_folder
from realfake.core.json_files import read_json, write_json

Compute = Callable[[int], Iterator[Features]]
"""Given how many pictures are done, yields the features of the following ones, batch by batch."""

FOLDER = "trunk"
"""In .cache/: a folder for each entry, by its key."""
SAVE_EVERY = 10.0
"""Seconds of work that a kill may lose."""


@dataclass(frozen=True)
class Wanted:
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
class Stored:
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


class FeatureCache:
    """The entries of this checkout, within a budget of bytes; the longest unused ones give way to new ones."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._folder = state_folder(FOLDER)

    def entries(self) -> list[Stored]:
        """All that is there, the last used first."""
        folders = [path for path in self._folder.iterdir() if path.is_dir()]
        found: list[Stored] = []
        for folder in folders:
            with suppress(FileNotFoundError, UserError):  # another process removed it meanwhile
                found.append(self._look_at(folder))
        return sorted(found, key=lambda entry: -entry.used)

    def remove(self, key: str) -> bool:
        """Remove an entry unless a process reads or computes it; says whether it is gone."""
        return remove_entry(self._folder / key)

    def has(self, wanted: Wanted) -> bool:
        """Whether an entry is there in whole."""
        path = self._folder / wanted.key / "features.f16"
        return path.is_file() and path.stat().st_size == wanted.size

    def make_room(self, wanted: Sequence[Wanted]) -> None:
        """Let the longest unused entries go until all of `wanted` fit the budget; what is in use stays.

        Raises:
            UserError: the disk is too full.
        """
        if all(self.has(entry) for entry in wanted):
            return
        keys = {entry.key for entry in wanted}
        others = [entry for entry in self.entries() if entry.key not in keys]
        excess = sum(entry.size for entry in wanted) + sum(entry.size for entry in others) - self._max_bytes
        for entry in reversed(others):
            if excess > 0 and self.remove(entry.key):
                excess -= entry.size
                print(
                    f"let go of {_title(entry.about)} ({entry.size / 1e9:.2f} GB), unused for the longest", flush=True
                )
        if excess > 0:
            print(f"the cache will hold {excess / 1e9:.1f} GB more than its budget: others are in use", flush=True)
        missing = sum(entry.size for entry in wanted if not self.has(entry))
        begun = sum(entry.size for entry in self.entries() if entry.key in keys and entry.done < 1)
        free = shutil.disk_usage(self._folder).free + begun
        if missing > free:
            raise UserError(
                f"the frozen layers' output takes {missing / 1e9:.1f} GB, but {self._folder} has {free / 1e9:.1f} GB "
                "free; lower train.cache.max_gb (0.0 keeps nothing), or make room"
            )

    @contextmanager
    def features(self, wanted: Wanted, compute: Compute) -> Iterator[Features]:
        """An entry's features, memory-mapped; computed first when they are not there, by one process alone.

        Args:
            wanted: the entry.
            compute: called with the number of pictures that are done.

        Raises:
            UserError: the disk is full, or the features do not fit float16.
        """
        while True:
            with _lock(self._folder / wanted.key) as lock:
                _wait_for(lock, wanted)
                if self.has(wanted):
                    path = self._folder / wanted.key / "features.f16"
                    os.utime(path)
                    yield np.memmap(path, np.float16, "r", shape=wanted.shape)
                    return
            with _lock(self._folder / wanted.key) as lock:
                if _alone(lock) and not self.has(wanted):
                    self._fill(wanted, compute)

    def _fill(self, wanted: Wanted, compute: Compute) -> None:
        folder = self._folder / wanted.key
        folder.mkdir(exist_ok=True)
        partial, progress = folder / "features.partial", folder / "done"
        done = _read_number(progress) if partial.is_file() else 0
        if not done:
            progress.unlink(missing_ok=True)  # of an entry that was whole: it would count for the new, empty file
            write_json(folder / "about.json", {**wanted.about, "shape": wanted.shape})
            _reserve(partial, wanted.size)
        features = np.memmap(partial, np.float16, "r+", shape=wanted.shape)
        saved = time.monotonic()
        try:
            for batch in compute(done):
                features[done : done + len(batch)] = batch
                done += len(batch)
                if time.monotonic() - saved > SAVE_EVERY:
                    _save(features, progress, done)
                    saved = time.monotonic()
        finally:
            _save(features, progress, done)
        partial.rename(folder / "features.f16")

    def _look_at(self, folder: Path) -> Stored:
        with _lock(folder) as lock:
            in_use = not _alone(lock)
            about = read_json(folder / "about.json") if (folder / "about.json").is_file() else {}
            files = _stats(folder)
            whole = (folder / "features.f16").is_file()
            part = _read_number(folder / "done") / about["shape"][0] if about and not whole else float(whole)
        used = max((file.st_mtime for file in files), default=0.0)
        return Stored(folder.name, about, sum(file.st_size for file in files), part, used, in_use)


def remove_entry(folder: Path) -> bool:
    """Remove the entry in a folder unless a process reads or computes it; says whether it is gone."""
    with _lock(folder) as lock:
        if not _alone(lock):
            return False
        shutil.rmtree(folder, ignore_errors=True)
    return True


def remove_older(days: int, dry_run: bool) -> list[Removed]:
    """Remove entries that nobody has opened for some days, but those in use; see `cleanup.remove_unused`."""
    entries = [path for path in kept_in(FOLDER) if path.is_dir()]
    return remove_unused(entries, days, dry_run, remove_entry)


@contextmanager
def _lock(folder: Path) -> Iterator[BinaryIO]:
    with folder.with_name(f"{folder.name}.lock").open("ab") as lock:
        yield lock


def _stats(folder: Path) -> list[os.stat_result]:
    """Of the files in a folder; whoever computes the entry may replace one between two looks."""
    stats = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            stats.append(path.stat())
    return stats


def _title(about: Mapping[str, Any]) -> str:
    return str(about.get("title", "an unfinished entry"))


def _alone(lock: BinaryIO) -> bool:
    """Lock out all others, unless one of them holds the lock: whoever waited here would wait for readers too."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(lock: BinaryIO, wanted: Wanted) -> None:
    """Lock out whoever would compute or remove the entry, after the one that does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another process computes {_title(wanted.about)}; waiting for it", flush=True)
        fcntl.flock(lock, fcntl.LOCK_SH)


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
