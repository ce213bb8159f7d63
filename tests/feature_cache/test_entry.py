"""An entry of the feature cache has a key, is filled step by step, and is locked; test_store.py tests kills."""

from pathlib import Path

import numpy as np
import pytest

from realfake.feature_cache.entry import Entry, EntrySpec, StoredEntry

WANTED = EntrySpec({"entry": 1}, {"title": "toys"}, (4, 3))


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return Entry(tmp_path / WANTED.key)


def test_the_key_depends_only_on_the_identity() -> None:
    one = EntrySpec({"a": 1, "b": [1, 2]}, {"title": "x"}, (2, 3))
    assert one.key == EntrySpec({"b": [1, 2], "a": 1}, {"title": "y"}, (2, 3)).key
    assert one.key != EntrySpec({"a": 1, "b": [2, 1]}, {"title": "x"}, (2, 3)).key
    assert one.size == 12


def test_an_interrupted_entry_reports_its_progress_and_continues(entry: Entry, tmp_path: Path) -> None:
    def half(done: int):
        yield np.ones((2, 3), np.float16)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        entry.fill(WANTED, half)
    assert not entry.is_complete(WANTED.size)
    assert entry.describe().done == 0.5
    entry.fill(WANTED, lambda done: iter([np.full((4 - done, 3), 2, np.float16)]))
    assert entry.is_complete(WANTED.size)
    assert entry.open(WANTED.shape)[:, 0].tolist() == [1, 1, 2, 2]
    found = entry.describe()
    assert isinstance(found, StoredEntry)
    assert (found.key, found.about["title"], found.done, found.in_use) == (WANTED.key, "toys", 1, False)
    assert found.size > WANTED.size, "the size includes all files"


def test_readers_share_an_entry_and_keep_it_from_being_removed(entry: Entry, tmp_path: Path) -> None:
    entry.fill(WANTED, lambda done: iter([np.ones((4, 3), np.float16)]))
    other = Entry(tmp_path / WANTED.key)
    with entry.shared("toys"), other.shared("toys"):
        with other.exclusive() as locked:
            assert not locked
        assert other.describe().in_use
        assert not other.remove()
    assert other.remove()
    assert not (tmp_path / WANTED.key).exists()
    with pytest.raises(FileNotFoundError):
        other.describe()
