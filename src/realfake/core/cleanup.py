"""Removing what has lain unused in the project's .cache/: each store says what its entries are, and removes its own."""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from realfake.core.files import home

DAY = 24 * 60 * 60
"""Seconds."""


@dataclass(frozen=True)
class RemovedEntry:
    """An entry that is, or would be, removed."""

    name: str
    """Its path in the project: `.cache/checkpoints/0123abcd`."""
    size: int
    """Bytes of its files."""


def cache_entries(name: str) -> list[Path]:
    """List the entries of the project's folder `.cache/<name>`; none where there is no such folder."""
    folder = home() / ".cache" / name
    return sorted(folder.iterdir()) if folder.is_dir() else []


def remove_entry(entry: Path) -> bool:
    """Delete a file or folder under another name, so that a kill half-way leaves nothing that passes for whole."""
    doomed = entry.with_name(f".{entry.name}.pruned")
    entry.rename(doomed)
    if doomed.is_dir():
        shutil.rmtree(doomed)
    else:
        doomed.unlink()
    return True


def remove_unused(
    entries: Iterable[Path], days: int, dry_run: bool, remove: Callable[[Path], bool] = remove_entry
) -> list[RemovedEntry]:
    """Remove the entries that nothing has written or read for some days.

    Args:
        entries: files and folders of the project's .cache/.
        days: how long an entry must have lain unused.
        dry_run: only say what would go.
        remove: removes an entry, and says whether it is gone.

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
    """Remove what has lain unused in the folder `.cache/<name>`; see `remove_unused`."""
    return remove_unused(cache_entries(name), days, dry_run)
