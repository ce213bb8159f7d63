"""Show what frozen layers computed and is kept: `python src/cache.py [--clear]`, or `make cache [CLEAR=1]`.

Every entry is the output of a network's frozen layers for one split of the pictures, in one augmented view. Nothing is
lost with it but the time to compute it again.
"""

import argparse
from collections.abc import Sequence
from datetime import datetime

from realfake.core.errors import run
from realfake.feature_cache.store import Stored, TrunkCache

HEADER = ("entry", "runtime", "pictures", "size", "last used", "state")


def show(entries: Sequence[Stored]) -> str:
    """A table of the entries, a row each, and their sum."""
    rows = [HEADER, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        f"{title:<{widths[0]}}  {runtime:<{widths[1]}}  {pictures:>{widths[2]}}  {size:>{widths[3]}}  "
        f"{used:<{widths[4]}}  {state}"
        for title, runtime, pictures, size, used, state in rows
    ]
    return "\n".join([*aligned, f"{_size(entries)} in {_count(entries)}"])


def clear(cache: TrunkCache) -> str:
    """Remove every entry that no process reads or computes, and say what that freed."""
    removed: list[Stored] = []
    kept: list[Stored] = []
    for entry in cache.entries():
        (removed if cache.remove(entry.key) else kept).append(entry)
    in_use = f"; {_size(kept)} in {_count(kept)} stay: in use" if kept else ""
    return f"freed {_size(removed)}: {_count(removed)}{in_use}"


def _row(entry: Stored) -> tuple[str, ...]:
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


def _size(entries: Sequence[Stored]) -> str:
    return f"{sum(entry.size for entry in entries) / 1e6:,.1f} MB"


def _count(entries: Sequence[Stored]) -> str:
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"


def main() -> None:
    """Read the command line; show the entries, or clear them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clear", action="store_true", help="remove all that is not in use")
    arguments = parser.parse_args()
    cache = TrunkCache(0)
    entries = cache.entries()
    if not entries:
        print("the cache is empty: no frozen layer's output is kept")
    else:
        print(clear(cache) if arguments.clear else show(entries))


if __name__ == "__main__":
    run(main)
