"""List the entries of the feature cache as a table, and clear the cache."""

from collections.abc import Sequence
from datetime import datetime

from realfake.feature_cache.entry import StoredEntry
from realfake.feature_cache.store import FeatureCache

HEADER = ("entry", "runtime", "pictures", "size", "last used", "state")
"""Column titles of the table."""
EMPTY = "the feature cache is empty"


def entries_table(cache: FeatureCache) -> str:
    """Return a table with a row for each entry and the total size below."""
    entries = cache.entries()
    if not entries:
        return EMPTY
    rows = [HEADER, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        f"{title:<{widths[0]}}  {runtime:<{widths[1]}}  {pictures:>{widths[2]}}  {size:>{widths[3]}}  "
        f"{used:<{widths[4]}}  {state}"
        for title, runtime, pictures, size, used, state in rows
    ]
    return "\n".join([*aligned, f"{_size(entries)} in {_count(entries)}"])


def clear_cache(cache: FeatureCache) -> str:
    """Remove every entry that no process reads or computes, and return a line that says how much disk was freed."""
    entries = cache.entries()
    if not entries:
        return EMPTY
    removed: list[StoredEntry] = []
    kept: list[StoredEntry] = []
    for entry in entries:
        (removed if cache.remove(entry.key) else kept).append(entry)
    in_use = f"; kept {_size(kept)}: {_count(kept)} in use" if kept else ""
    return f"freed {_size(removed)}: {_count(removed)}{in_use}"


def _row(entry: StoredEntry) -> tuple[str, ...]:
    pictures = f"{entry.about['shape'][0]:,}" if "shape" in entry.about else "-"
    state = "complete" if entry.done == 1 else f"{entry.done:.0%}"
    return (
        str(entry.about.get("title", entry.key)),
        str(entry.about.get("runtime", "-")),
        pictures,
        _size([entry]),
        f"{datetime.fromtimestamp(entry.used):%Y-%m-%d %H:%M}",
        f"{state}, in use" if entry.in_use else state,
    )


def _size(entries: Sequence[StoredEntry]) -> str:
    return f"{sum(entry.size for entry in entries) / 1e6:,.1f} MB"


def _count(entries: Sequence[StoredEntry]) -> str:
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
