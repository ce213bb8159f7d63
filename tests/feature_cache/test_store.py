"""The feature cache survives kills, computes nothing twice, reads nothing stale, and evicts nothing that is in use."""

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


def spec(entry: object = 1, shape: tuple[int, ...] = (COUNT, 3)) -> EntrySpec:
    return EntrySpec({"entry": entry}, {"title": "toys"}, shape)


def compute(done: int, computed: list[int] | None = None) -> Iterator[np.ndarray]:
    """Compute the features of two pictures at a time, as CHILD does."""
    for start in range(done, COUNT, 2):
        if computed is not None:
            computed.append(start)
        yield np.arange(start * 3, start * 3 + 6, dtype=np.float32).reshape(2, 3) / 7


EXPECTED = np.concatenate(list(compute(0))).astype(np.float16)


def fill(cache: FeatureCache, *entries: object) -> None:
    """Fill entries, and set their times of last use to one second after another, long ago."""
    for number, entry in enumerate(entries):
        with cache.features(spec(entry), compute):
            pass
        for path in (Path(".cache/trunk") / spec(entry).key).iterdir():
            os.utime(path, (1e9 + number, 1e9 + number))


def size_of_one(cache: FeatureCache) -> int:
    return cache.entries()[0].size


def child(seconds_a_batch: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(seconds_a_batch)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "the condition did not become true in 20 s"
        time.sleep(0.01)


class Disk:
    """Imitate a disk with too little free space for an entry."""

    free = spec().size - 1


@pytest.fixture
def cache(project: Path) -> FeatureCache:
    return FeatureCache(10**6)


def test_features_are_computed_once_and_stored_in_float16(cache: FeatureCache) -> None:
    for _ in range(2):
        computed: list[int] = []
        with cache.features(spec(), lambda done, computed=computed: compute(done, computed)) as features:
            assert features.dtype == np.float16
            assert np.array_equal(features, EXPECTED)
            assert not features.flags.writeable
    assert computed == []
    assert cache.has(spec())
    assert not cache.has(spec(2))


def test_an_interrupted_computation_continues_where_it_stopped(cache: FeatureCache) -> None:
    def failing(done: int) -> Iterator[np.ndarray]:
        for start, batch in zip(range(done, COUNT, 2), compute(done), strict=True):
            if start == 4:
                raise KeyboardInterrupt
            yield batch

    with pytest.raises(KeyboardInterrupt), cache.features(spec(), failing):
        pass
    assert not cache.has(spec())
    assert [entry.done for entry in cache.entries()] == [0.4]
    computed: list[int] = []
    with cache.features(spec(), lambda done: compute(done, computed)) as features:
        assert np.array_equal(features, EXPECTED)
    assert computed == [4, 6, 8]


def test_a_killed_computation_continues_to_the_same_bytes(cache: FeatureCache) -> None:
    process = child(0.2)
    progress = Path(".cache/trunk") / spec().key / "done"
    wait_until(lambda: progress.is_file() and int(progress.read_text()) >= 4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [entry] = cache.entries()
    assert 0.4 <= entry.done < 1
    assert not entry.in_use
    computed: list[int] = []
    with cache.features(spec(), lambda done: compute(done, computed)) as features:
        assert np.array_equal(features, EXPECTED)
    assert computed == list(range(round(entry.done * COUNT), COUNT, 2))


def test_two_processes_compute_features_once(cache: FeatureCache) -> None:
    first = child(0.3)
    wait_until(Path("log").is_file)
    assert [entry.in_use for entry in cache.entries()] == [True]
    second = child(0.0)
    outputs = [process.communicate(timeout=30) for process in (first, second)]
    total = f"sum {EXPECTED.astype(float).sum()}\n"
    assert outputs[0] == (total, "")
    notice, _, result = outputs[1][0].partition("\n")
    assert "waiting" in notice and "toys" in notice
    assert (result, outputs[1][1]) == (total, "")
    assert Path("log").read_text().split() == ["0", "2", "4", "6", "8"]


def test_a_process_that_comes_second_does_not_wait_for_the_training_of_the_first(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclusive, first_process = Entry.exclusive, ExitStack()

    @contextmanager
    def exclusive_after_the_first(entry: Entry) -> Iterator[bool]:
        monkeypatch.setattr(Entry, "exclusive", exclusive)
        first_process.enter_context(FeatureCache(10**6).features(spec(), compute))
        with exclusive(entry) as locked:
            yield locked

    monkeypatch.setattr(Entry, "exclusive", exclusive_after_the_first)
    with first_process, cache.features(spec(), lambda done: pytest.fail("computed twice")) as features:
        assert np.array_equal(features, EXPECTED)


def test_the_least_recently_used_entries_are_evicted(cache: FeatureCache, capsys: pytest.CaptureFixture[str]) -> None:
    fill(cache, "a", "b", "c")
    with cache.features(spec("a"), compute):
        pass  # now the most recently used entry
    small = FeatureCache(2 * size_of_one(cache) + spec().size)
    capsys.readouterr()
    small.make_room([spec("new")])
    assert {entry.key for entry in cache.entries()} == {spec("a").key, spec("c").key}
    (line,) = capsys.readouterr().out.splitlines()
    assert "evicted" in line and "toys" in line
    small.make_room([spec("new"), spec("c")])
    assert len(cache.entries()) == 2, "an entry that is needed counts once and is kept"


def test_entries_in_use_are_not_evicted(cache: FeatureCache, capsys: pytest.CaptureFixture[str]) -> None:
    fill(cache, "a", "b")
    with cache.features(spec("a"), compute) as features:
        FeatureCache(0).make_room([spec("new")])
        assert [(entry.key, entry.in_use) for entry in cache.entries()] == [(spec("a").key, True)]
        assert not cache.remove(spec("a").key)
        assert np.array_equal(features, EXPECTED)
    assert "other entries are in use" in capsys.readouterr().out
    assert cache.remove(spec("a").key)
    assert cache.entries() == []


def test_too_little_disk_space_is_a_one_line_error(cache: FeatureCache) -> None:
    huge = spec(shape=(10**15, 3))
    with pytest.raises(UserError, match=r"6000000\.0 GB.* GB free.*train\.cache\.max_gb"):
        FeatureCache(10**18).make_room([huge])


def test_complete_entries_do_not_count_as_free_space(cache: FeatureCache, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(cache, "complete")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: Disk)
    with pytest.raises(UserError, match="GB free"):
        cache.make_room([spec("complete"), spec("missing")])
    cache.make_room([spec("complete")])


def test_space_that_cannot_be_reserved_is_a_one_line_error(cache: FeatureCache) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with (
            pytest.raises(UserError, match=r"0\.00 GB.*File too large.*train\.cache\.max_gb"),
            cache.features(spec(shape=(10_000, 3)), lambda done: pytest.fail("computed without disk space")),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(Path(".cache/trunk").rglob("features.*"))


def test_an_entry_of_the_wrong_size_is_not_read(cache: FeatureCache) -> None:
    fill(cache, 1)
    path = Path(".cache/trunk") / spec().key / "features.f16"
    path.write_bytes(path.read_bytes()[:-2])
    assert not cache.has(spec())
    with cache.features(spec(), compute) as features:
        assert np.array_equal(features, EXPECTED)


def test_a_damaged_entry_is_computed_from_the_first_picture_even_after_a_kill(cache: FeatureCache) -> None:
    """The progress of the first computation must not count for the new, empty file of the second."""
    fill(cache, 1)
    path = Path(".cache/trunk") / spec().key / "features.f16"
    path.write_bytes(path.read_bytes()[:-2])
    killed = child(60)
    wait_until(path.with_name("features.partial").is_file)
    killed.kill()
    killed.wait()
    with cache.features(spec(), compute) as features:
        assert np.array_equal(features, EXPECTED)


def test_an_empty_progress_file_counts_as_no_progress(cache: FeatureCache) -> None:
    """A power cut can leave the file empty."""

    def stopping(done: int) -> Iterator[np.ndarray]:
        yield next(compute(done))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), cache.features(spec(), stopping):
        pass
    assert [entry.done for entry in cache.entries()] == [0.2]
    (Path(".cache/trunk") / spec().key / "done").write_text("")
    assert [entry.done for entry in cache.entries()] == [0]
    with cache.features(spec(), compute) as features:
        assert np.array_equal(features, EXPECTED)


def test_entries_can_be_listed_while_one_is_computed(cache: FeatureCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry's files are replaced and removed while the list is made."""
    monkeypatch.setattr(entry_module, "SAVE_EVERY", 0.0)
    stop, seen = threading.Event(), set[float]()

    def work() -> None:
        while not stop.is_set():
            with cache.features(spec(), compute):
                pass
            cache.remove(spec().key)

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
