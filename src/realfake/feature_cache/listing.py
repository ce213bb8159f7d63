"""The feature cache as people see it: a table of its entries, and what clearing it frees."""

from collections.abc import Sequence
from datetime import datetime

from realfake.feature_cache.entry import StoredEntry
from realfake.feature_cache.store import FeatureCache

HEADER = ("entry", "runtime", "pictures", "size", "last used", "state")
EMPTY = "the cache is empty: no frozen layer's output is kept"


def entries_table(cache: FeatureCache) -> str:
    """Make a table of the entries, a row each, with their sum below it."""
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
    """Remove every entry that no process reads or computes, and say what that freed."""
    entries = cache.entries()
    if not entries:
        return EMPTY
    removed: list[StoredEntry] = []
    kept: list[StoredEntry] = []
    for entry in entries:
        (removed if cache.remove(entry.key) else kept).append(entry)
    in_use = f"; {_size(kept)} in {_count(kept)} stay: in use" if kept else ""
    return f"freed {_size(removed)}: {_count(removed)}{in_use}"


def _row(entry: StoredEntry) -> tuple[str, ...]:
    pictures = f"{entry.about['shape'][0]:,}" if "shape" in entry.about else "-"
    part = "whole" if entry.done == 1 else f"{entry.done:.0%}"
    return (
        str(entry.about.get("title", entry.key)),
        str(entry.about.get("runtime", "-")),
        pictures,
        _size([entry]),
        f"{datetime.fromtimestamp(entry.used):%Y-%m-%d %H:%M}",
        f"{part}, in use" if entry.in_use else part,
    )


def _size(entries: Sequence[StoredEntry]) -> str:
    return f"{sum(entry.size for entry in entries) / 1e6:,.1f} MB"


def _count(entries: Sequence[StoredEntry]) -> str:
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
