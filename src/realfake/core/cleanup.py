"""Remove entries of the project's .cache/ that have not been used for some days.

Each store (checkpoints, feature cache ...) lists its own entries and removes them by these functions.
"""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from realfake.core.files import home

DAY = 24 * 60 * 60
"""Length of a day in seconds."""


@dataclass(frozen=True)
class RemovedEntry:
    """Describe an entry that is removed, or would be in a dry run."""

    name: str
    """Path relative to the project, such as `.cache/checkpoints/0123abcd`."""
    size: int
    """Size of all its files in bytes."""


def cache_entries(name: str) -> list[Path]:
    """Return the files and folders in the project's `.cache/<name>`, sorted; empty when that folder does not exist."""
    folder = home() / ".cache" / name
    return sorted(folder.iterdir()) if folder.is_dir() else []


def remove_entry(entry: Path) -> bool:
    """Rename a file or folder, then delete it: a kill half-way leaves no partial entry under the original name.

    Returns:
        True, as `remove_unused` expects of an entry that is gone.
    """
    renamed = entry.with_name(f".{entry.name}.pruned")
    entry.rename(renamed)
    if renamed.is_dir():
        shutil.rmtree(renamed)
    else:
        renamed.unlink()
    return True


def remove_unused(
    entries: Iterable[Path], days: int, dry_run: bool, remove: Callable[[Path], bool] = remove_entry
) -> list[RemovedEntry]:
    """Remove the entries that no process has written or read for `days` days.

    Args:
        entries: files and folders in the project's .cache/.
        days: days since an entry's last use after which it is removed.
        dry_run: remove nothing, only return what would be removed.
        remove: function that removes an entry and returns whether the entry is gone.

    Returns:
        The entries that are (or would be) removed.
    """
    removed = []
    for entry in entries:
        files = [path.stat() for path in (entry, *entry.rglob("*")) if path.is_file()]
        last_use = max((max(file.st_mtime, file.st_atime) for file in files), default=entry.stat().st_mtime)
        if last_use < time.time() - days * DAY and (dry_run or remove(entry)):
            removed.append(RemovedEntry(entry.relative_to(home()).as_posix(), sum(file.st_size for file in files)))
    return removed


def remove_unused_in(name: str, days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove the unused entries of the folder `.cache/<name>`; see `remove_unused`."""
    return remove_unused(cache_entries(name), days, dry_run)
