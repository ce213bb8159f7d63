"""`make cache` lists the entries of the feature cache, and clears those that no process uses."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realfake.feature_cache.entry import EntrySpec
from realfake.feature_cache.listing import EMPTY, clear_cache, entries_table
from realfake.feature_cache.store import FeatureCache

SCRIPT = Path(__file__).parents[2] / "src/cache.py"
TRAIN = EntrySpec({"entry": 1}, {"title": "toys: train, view 1", "runtime": "tensorflow"}, (2000, 500))
VAL = EntrySpec({"entry": 2}, {"title": "toys: val", "runtime": "onnxruntime_int8"}, (20, 500))


def compute(done: int) -> Iterator[np.ndarray]:
    yield np.ones((1, 500), np.float32).repeat(20, 0)


def lines(*arguments: str) -> list[str]:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert result.stderr == ""
    return result.stdout.splitlines()


@pytest.fixture
def cache(project: Path) -> FeatureCache:
    """Make a cache with a complete entry, and one with 900 of 2,000 pictures."""
    cache = FeatureCache(10**9)
    with cache.features(VAL, compute):
        pass

    def killed(done: int) -> Iterator[np.ndarray]:
        for _ in range(45):
            yield from compute(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), cache.features(TRAIN, killed):
        pass
    for wanted, seconds in ((TRAIN, 1e9), (VAL, 1.1e9)):
        for path in (Path(".cache/trunk") / wanted.key).iterdir():
            os.utime(path, (seconds, seconds))
    return cache


def test_every_entry_is_a_row(cache: FeatureCache) -> None:
    header, val, train, total = entries_table(cache).splitlines()
    assert header.split() == ["entry", "runtime", "pictures", "size", "last", "used", "state"]
    assert val.split("  ")[0] == "toys: val"
    assert val.split()[2:6] == ["onnxruntime_int8", "20", "0.0", "MB"]
    assert val.split()[6].startswith("2004-11-")
    assert val.endswith("complete")
    assert train.split("  ")[0] == "toys: train, view 1"
    assert train.split()[4:8] == ["tensorflow", "2,000", "2.0", "MB"]
    assert train.split()[8].startswith("2001-09-")
    assert train.endswith("  45%")
    assert val.index("complete") == train.index("45%") == header.index("state")
    assert total == "2.0 MB in 2 entries"


def test_clearing_keeps_entries_in_use(cache: FeatureCache) -> None:
    with cache.features(VAL, compute):
        assert entries_table(cache).splitlines()[1].endswith("complete, in use")
        cleared = clear_cache(cache)
        assert "freed 2.0 MB: 1 entry" in cleared and "1 entry in use" in cleared
    assert [entry.key for entry in cache.entries()] == [VAL.key]
    assert clear_cache(cache) == "freed 0.0 MB: 1 entry"


def test_an_entry_without_a_description_is_listed_and_cleared(project: Path) -> None:
    cache = FeatureCache(0)
    (project / ".cache/trunk/0123abcd").mkdir()
    row = entries_table(cache).splitlines()[1]
    assert row.startswith("0123abcd")
    assert row.endswith("0%")
    clear_cache(cache)
    assert cache.entries() == []


def test_the_command_lists_clears_and_reports_an_empty_cache(cache: FeatureCache) -> None:
    shown = lines()
    assert len(shown) == 4
    assert shown[-1] == "2.0 MB in 2 entries"
    assert lines("--clear") == ["freed 2.0 MB: 2 entries"]
    assert lines() == lines("--clear") == [EMPTY]
