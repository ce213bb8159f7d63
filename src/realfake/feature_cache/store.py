"""What frozen layers computed, kept on disk under a key of all that determines it: the store, without Keras.

An entry is a folder `.cache/trunk/<key>` (entry.py).
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
"""In .cache/: a folder for each entry, by its key."""


class FeatureCache:
    """The entries of this checkout, within a budget of bytes; the longest unused ones give way to new ones."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._folder = state_folder(FOLDER)

    def entries(self) -> list[StoredEntry]:
        """All that is there, the last used first."""
        folders = [path for path in self._folder.iterdir() if path.is_dir()]
        found: list[StoredEntry] = []
        for folder in folders:
            with suppress(FileNotFoundError, UserError):  # another process removed it meanwhile
                found.append(Entry(folder).describe())
        return sorted(found, key=lambda entry: -entry.used)

    def remove(self, key: str) -> bool:
        """Remove an entry unless a process reads or computes it; says whether it is gone."""
        return self._entry(key).remove()

    def has(self, wanted: EntrySpec) -> bool:
        """Whether an entry is there in whole."""
        return self._entry(wanted.key).is_whole(wanted.size)

    def make_room(self, wanted: Sequence[EntrySpec]) -> None:
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
    def features(self, wanted: EntrySpec, compute: Compute) -> Iterator[Features]:
        """An entry's features, memory-mapped; computed first when they are not there, by one process alone.

        Args:
            wanted: the entry.
            compute: called with the number of pictures that are done.

        Raises:
            UserError: the disk is full, or the features do not fit float16.
        """
        entry = self._entry(wanted.key)
        while True:
            with entry.shared(_title(wanted.about)):
                if self.has(wanted):
                    yield entry.open(wanted.shape)
                    return
            with entry.exclusive() as exclusive:
                if exclusive and not self.has(wanted):
                    entry.fill(wanted, compute)

    def _entry(self, key: str) -> Entry:
        return Entry(self._folder / key)


def remove_older(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove entries that nobody has opened for some days, but those in use; see `cleanup.remove_unused`."""
    entries = [path for path in cache_entries(FOLDER) if path.is_dir()]
    return remove_unused(entries, days, dry_run, lambda folder: Entry(folder).remove())


def _title(about: Mapping[str, Any]) -> str:
    return str(about.get("title", "an unfinished entry"))
