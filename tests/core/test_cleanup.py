"""Entries of the cache are removed by their last use, as a whole, unless their store keeps them."""

import os
import time
from pathlib import Path

import pytest

from realfake.core.cleanup import DAY, RemovedEntry, cache_entries, remove_unused


def entry(project: Path, name: str, age_in_days: float, size: int = 10) -> Path:
    """Write a file of the project's .cache/ whose last modification and access are `age_in_days` ago."""
    path = project / ".cache" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = time.time() - age_in_days * DAY
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def cache(project: Path) -> Path:
    """Make an old entry and three recent ones: written recently, with one recent file, and read recently."""
    entry(project, "area/aaaa/features.npy", 40, size=1000)
    entry(project, "area/bbbb/features.npy", 20)
    entry(project, "area/cccc/epoch-1.keras", 40)
    entry(project, "area/cccc/epoch-2.keras", 1)
    recently_read = entry(project, "area/archive.zip", 40)
    os.utime(recently_read, (time.time(), recently_read.stat().st_mtime))
    return project / ".cache/area"


def test_entries_are_removed_by_their_last_use(cache: Path) -> None:
    old = [RemovedEntry(".cache/area/aaaa", 1000)]
    before = sorted(cache.iterdir())
    assert remove_unused(cache_entries("area"), 30, dry_run=True) == old
    assert sorted(cache.iterdir()) == before
    assert remove_unused(cache_entries("area"), 30, dry_run=False) == old
    assert sorted(path.name for path in cache.iterdir()) == ["archive.zip", "bbbb", "cccc"]
    assert [one.name for one in remove_unused(cache_entries("area"), 0, dry_run=False)] == [
        ".cache/area/archive.zip",
        ".cache/area/bbbb",
        ".cache/area/cccc",
    ]
    assert not list(cache.iterdir())


def test_an_entry_that_its_store_keeps_is_not_reported_as_removed(cache: Path) -> None:
    assert remove_unused(cache_entries("area"), 0, dry_run=False, remove=lambda path: False) == []
    assert len(list(cache.iterdir())) == 4


def test_a_missing_folder_has_no_entries_and_is_not_created(project: Path) -> None:
    assert cache_entries("absent") == []
    assert not (project / ".cache/absent").exists()
