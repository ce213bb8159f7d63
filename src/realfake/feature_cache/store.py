"""Store features on disk under keys, and evict the least recently used ones when a budget is exceeded.

An entry is a folder `.cache/trunk/<key>` (entry.py). This module does not import Keras.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from realfake.core.arrays import Features
from realfake.core.cleanup import RemovedEntry, cache_entries, remove_unused
from realfake.core.errors import UserError
from realfake.core.files import state_folder
from realfake.feature_cache.entry import Compute, Entry, EntrySpec, StoredEntry

FOLDER = "trunk"
"""Folder in .cache/ with one subfolder per entry, named by its key."""


class FeatureCache:
    """Manage the entries of this checkout within a budget; the least recently used ones are evicted first.

    Args:
        max_bytes: the budget for all entries together, in bytes.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._folder = state_folder(FOLDER)

    def entries(self) -> list[StoredEntry]:
        """Return all entries, the most recently used first."""
        folders = [path for path in self._folder.iterdir() if path.is_dir()]
        found: list[StoredEntry] = []
        for folder in folders:
            with suppress(FileNotFoundError, UserError):  # another process removes it at this moment
                found.append(Entry(folder).describe())
        return sorted(found, key=lambda entry: -entry.used)

    def remove(self, key: str) -> bool:
        """Remove an entry unless a process reads or computes it; return whether it was removed."""
        return self._entry(key).remove()

    def has(self, spec: EntrySpec) -> bool:
        """Return whether an entry is stored completely."""
        return self._entry(spec.key).is_complete(spec.size)

    def make_room(self, specs: Sequence[EntrySpec]) -> None:
        """Evict the least recently used other entries until all of `specs` fit the budget; those in use are kept.

        Raises:
            UserError: the disk has too little free space.
        """
        if all(self.has(spec) for spec in specs):
            return
        keys = {spec.key for spec in specs}
        others = [entry for entry in self.entries() if entry.key not in keys]
        excess = sum(spec.size for spec in specs) + sum(entry.size for entry in others) - self._max_bytes
        for entry in reversed(others):
            if excess > 0 and self.remove(entry.key):
                excess -= entry.size
                size = f"{entry.size / 1e9:.2f} GB"
                print(f"evicted the least recently used features: {_title(entry.about)} ({size})", flush=True)
        if excess > 0:
            print(
                f"the feature cache will exceed train.cache.max_gb by {excess / 1e9:.1f} GB: other entries are in use",
                flush=True,
            )
        missing = sum(spec.size for spec in specs if not self.has(spec))
        reserved = sum(entry.size for entry in self.entries() if entry.key in keys and entry.done < 1)
        free = shutil.disk_usage(self._folder).free + reserved
        if missing > free:
            raise UserError(
                f"the frozen layers' output takes {missing / 1e9:.1f} GB, but {self._folder} has {free / 1e9:.1f} GB "
                "free; free disk space, or lower train.cache.max_gb (0.0 turns the cache off)"
            )

    @contextmanager
    def features(self, spec: EntrySpec, compute: Compute) -> Iterator[Features]:
        """Open an entry's features, memory-mapped; only one process computes them if they are not cached.

        Args:
            spec: the entry.
            compute: yields the features that are missing.

        Raises:
            UserError: the disk is full, or the features exceed float16.
        """
        entry = self._entry(spec.key)
        while True:
            with entry.shared(_title(spec.about)):
                if self.has(spec):
                    yield entry.open(spec.shape)
                    return
            with entry.exclusive() as exclusive:
                if exclusive and not self.has(spec):
                    entry.fill(spec, compute)

    def _entry(self, key: str) -> Entry:
        return Entry(self._folder / key)


def remove_older(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove entries that were not used for `days` days, except those in use; see `cleanup.remove_unused`."""
    entries = [path for path in cache_entries(FOLDER) if path.is_dir()]
    return remove_unused(entries, days, dry_run, lambda folder: Entry(folder).remove())


def _title(about: Mapping[str, Any]) -> str:
    return str(about.get("title", "an unfinished entry"))
