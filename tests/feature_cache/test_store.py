"""The store of features: nothing lost to a kill, nothing done twice, nothing stale, nothing removed under a reader."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from realfake.core.errors import UserError
from realfake.feature_cache import entry as entry_module
from realfake.feature_cache import store
from realfake.feature_cache.entry import Entry, EntrySpec
from realfake.feature_cache.store import FeatureCache

COUNT = 10
SOURCE = Path(__file__).parents[2] / "src"
CHILD = """
import sys, time
import numpy as np
from pathlib import Path
from realfake.feature_cache import entry
from realfake.feature_cache.entry import EntrySpec
from realfake.feature_cache.store import FeatureCache

entry.SAVE_EVERY = 0.0
log = Path("log")

def compute(done):
    for start in range(done, 10, 2):
        time.sleep(float(sys.argv[1]))
        with log.open("a") as file:
            file.write(f"{start}\\n")
        yield np.arange(start * 3, start * 3 + 6, dtype=np.float32).reshape(2, 3) / 7

with FeatureCache(10**6).features(EntrySpec({"entry": 1}, {"title": "toys"}, (10, 3)), compute) as features:
    print("sum", features.astype(float).sum(), flush=True)
"""


def wanted(entry: object = 1, shape: tuple[int, ...] = (COUNT, 3)) -> EntrySpec:
    return EntrySpec({"entry": entry}, {"title": "toys"}, shape)


def compute(done: int, computed: list[int] | None = None) -> Iterator[np.ndarray]:
    """Two pictures at a time, as CHILD does."""
    for start in range(done, COUNT, 2):
        if computed is not None:
            computed.append(start)
        yield np.arange(start * 3, start * 3 + 6, dtype=np.float32).reshape(2, 3) / 7


EXPECTED = np.concatenate(list(compute(0))).astype(np.float16)


def fill(cache: FeatureCache, *entries: object) -> None:
    """Fill entries, each used a little later than the one before; all of them long ago."""
    for place, entry in enumerate(entries):
        with cache.features(wanted(entry), compute):
            pass
        for path in (Path(".cache/trunk") / wanted(entry).key).iterdir():
            os.utime(path, (1e9 + place, 1e9 + place))


def size_of_one(cache: FeatureCache) -> int:
    return cache.entries()[0].size


def child(seconds_a_batch: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(seconds_a_batch)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


class Disk:
    """A disk with room for less than an entry."""

    free = wanted().size - 1


@pytest.fixture
def cache(project: Path) -> FeatureCache:
    return FeatureCache(10**6)


def test_features_are_computed_once_and_kept_in_float16(cache: FeatureCache) -> None:
    for _ in range(2):
        computed: list[int] = []
        with cache.features(wanted(), lambda done, computed=computed: compute(done, computed)) as features:
            assert features.dtype == np.float16
            assert np.array_equal(features, EXPECTED)
            assert not features.flags.writeable
    assert computed == []
    assert cache.has(wanted())
    assert not cache.has(wanted(2))


def test_a_pass_that_fails_goes_on_where_it_stopped(cache: FeatureCache) -> None:
    def failing(done: int) -> Iterator[np.ndarray]:
        for start, batch in zip(range(done, COUNT, 2), compute(done), strict=True):
            if start == 4:
                raise KeyboardInterrupt
            yield batch

    with pytest.raises(KeyboardInterrupt), cache.features(wanted(), failing):
        pass
    assert not cache.has(wanted())
    assert [entry.done for entry in cache.entries()] == [0.4]
    computed: list[int] = []
    with cache.features(wanted(), lambda done: compute(done, computed)) as features:
        assert np.array_equal(features, EXPECTED)
    assert computed == [4, 6, 8]


def test_a_pass_that_is_killed_goes_on_with_the_same_bytes(cache: FeatureCache) -> None:
    process = child(0.2)
    progress = Path(".cache/trunk") / wanted().key / "done"
    wait_until(lambda: progress.is_file() and int(progress.read_text()) >= 4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [entry] = cache.entries()
    assert 0.4 <= entry.done < 1
    assert not entry.in_use
    computed: list[int] = []
    with cache.features(wanted(), lambda done: compute(done, computed)) as features:
        assert np.array_equal(features, EXPECTED)
    assert computed == list(range(round(entry.done * COUNT), COUNT, 2))


def test_two_processes_do_the_work_once(cache: FeatureCache) -> None:
    first = child(0.3)
    wait_until(Path("log").is_file)
    assert [entry.in_use for entry in cache.entries()] == [True]
    second = child(0.0)
    outputs = [process.communicate(timeout=30) for process in (first, second)]
    total = f"sum {EXPECTED.astype(float).sum()}\n"
    assert outputs[0] == (total, "")
    assert outputs[1] == (f"another process computes toys; waiting for it\n{total}", "")
    assert Path("log").read_text().split() == ["0", "2", "4", "6", "8"]


def test_who_loses_the_race_for_the_work_does_not_wait_for_the_winners_training(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclusive, winner = Entry.exclusive, ExitStack()

    @contextmanager
    def after_the_winner(entry: Entry) -> Iterator[bool]:
        monkeypatch.setattr(Entry, "exclusive", exclusive)
        winner.enter_context(FeatureCache(10**6).features(wanted(), compute))
        with exclusive(entry) as locked:
            yield locked

    monkeypatch.setattr(Entry, "exclusive", after_the_winner)
    with winner, cache.features(wanted(), lambda done: pytest.fail("computed twice")) as features:
        assert np.array_equal(features, EXPECTED)


def test_the_longest_unused_entries_give_way(cache: FeatureCache, capsys: pytest.CaptureFixture[str]) -> None:
    fill(cache, "a", "b", "c")
    with cache.features(wanted("a"), compute):
        pass  # now the last used one
    small = FeatureCache(2 * size_of_one(cache) + wanted().size)
    capsys.readouterr()
    small.make_room([wanted("new")])
    assert {entry.key for entry in cache.entries()} == {wanted("a").key, wanted("c").key}
    assert capsys.readouterr().out == "let go of toys (0.00 GB), unused for the longest\n"
    small.make_room([wanted("new"), wanted("c")])
    assert len(cache.entries()) == 2, "what is wanted counts once, and stays"


def test_what_is_in_use_stays(cache: FeatureCache, capsys: pytest.CaptureFixture[str]) -> None:
    fill(cache, "a", "b")
    with cache.features(wanted("a"), compute) as features:
        FeatureCache(0).make_room([wanted("new")])
        assert [(entry.key, entry.in_use) for entry in cache.entries()] == [(wanted("a").key, True)]
        assert not cache.remove(wanted("a").key)
        assert np.array_equal(features, EXPECTED)
    assert "more than its budget: others are in use" in capsys.readouterr().out
    assert cache.remove(wanted("a").key)
    assert cache.entries() == []


def test_a_disk_that_is_too_full_is_one_line(cache: FeatureCache) -> None:
    huge = wanted(shape=(10**15, 3))
    with pytest.raises(UserError, match=r"takes 6000000.0 GB, but .* GB free; lower train.cache.max_gb"):
        FeatureCache(10**18).make_room([huge])


def test_whole_entries_are_no_room_on_the_disk(cache: FeatureCache, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(cache, "whole")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: Disk)
    with pytest.raises(UserError, match="GB free"):
        cache.make_room([wanted("whole"), wanted("missing")])
    cache.make_room([wanted("whole")])


def test_space_that_cannot_be_claimed_is_one_line(cache: FeatureCache) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with (
            pytest.raises(UserError, match=r"cannot be given 0.00 GB \(File too large\)"),
            cache.features(wanted(shape=(10_000, 3)), lambda done: pytest.fail("computed for nothing")),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(Path(".cache/trunk").rglob("features.*"))


def test_an_entry_of_the_wrong_size_is_not_read(cache: FeatureCache) -> None:
    fill(cache, 1)
    path = Path(".cache/trunk") / wanted().key / "features.f16"
    path.write_bytes(path.read_bytes()[:-2])
    assert not cache.has(wanted())
    with cache.features(wanted(), compute) as features:
        assert np.array_equal(features, EXPECTED)


def test_a_damaged_entry_is_computed_from_its_first_picture_even_after_a_kill(cache: FeatureCache) -> None:
    """The count of its first filling must not vouch for the empty file of its second."""
    fill(cache, 1)
    path = Path(".cache/trunk") / wanted().key / "features.f16"
    path.write_bytes(path.read_bytes()[:-2])
    killed = child(60)
    wait_until(path.with_name("features.partial").is_file)
    killed.kill()
    killed.wait()
    with cache.features(wanted(), compute) as features:
        assert np.array_equal(features, EXPECTED)


def test_a_count_that_a_power_cut_emptied_is_none(cache: FeatureCache) -> None:
    def stopping(done: int) -> Iterator[np.ndarray]:
        yield next(compute(done))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), cache.features(wanted(), stopping):
        pass
    assert [entry.done for entry in cache.entries()] == [0.2]
    (Path(".cache/trunk") / wanted().key / "done").write_text("")
    assert [entry.done for entry in cache.entries()] == [0]
    with cache.features(wanted(), compute) as features:
        assert np.array_equal(features, EXPECTED)


def test_entries_can_be_listed_while_one_is_computed(cache: FeatureCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are replaced all the time, and others are removed between two looks."""
    monkeypatch.setattr(entry_module, "SAVE_EVERY", 0.0)
    stop, seen = threading.Event(), set[float]()

    def work() -> None:
        while not stop.is_set():
            with cache.features(wanted(), compute):
                pass
            cache.remove(wanted().key)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            seen |= {entry.done for entry in cache.entries()}
    finally:
        stop.set()
        worker.join()
    assert {0.2, 0.4, 0.6, 0.8, 1.0} & seen
