"""Entries go by their last use, whole; what a store refuses to give stays."""

import os
import time
from pathlib import Path

import pytest

from realfake.core.cleanup import DAY, RemovedEntry, cache_entries, remove_unused


def entry(project: Path, name: str, age_in_days: float, size: int = 10) -> Path:
    """A file in the project's .cache/ that was written and read that long ago."""
    path = project / ".cache" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = time.time() - age_in_days * DAY
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def cache(project: Path) -> Path:
    """An old entry and young ones: one written lately, one with an old part, one that was read."""
    entry(project, "area/aaaa/features.npy", 40, size=1000)
    entry(project, "area/bbbb/features.npy", 20)
    entry(project, "area/cccc/epoch-1.keras", 40)
    entry(project, "area/cccc/epoch-2.keras", 1)
    read_lately = entry(project, "area/archive.zip", 40)
    os.utime(read_lately, (time.time(), read_lately.stat().st_mtime))
    return project / ".cache/area"


def test_entries_go_by_their_last_use(cache: Path) -> None:
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


def test_what_its_store_keeps_is_not_told(cache: Path) -> None:
    assert remove_unused(cache_entries("area"), 0, dry_run=False, remove=lambda path: False) == []
    assert len(list(cache.iterdir())) == 4


def test_a_missing_folder_has_no_entries_and_is_not_made(project: Path) -> None:
    assert cache_entries("absent") == []
    assert not (project / ".cache/absent").exists()
