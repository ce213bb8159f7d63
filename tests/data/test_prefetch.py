"""Batches are made in order and ahead of time; an exception in the thread is raised in the reader."""

import threading
import time

import pytest

from realfake.data.prefetch import AHEAD, Prefetched


@pytest.mark.parametrize("count", [0, 1, AHEAD, 25])
def test_every_batch_is_made_once_and_in_order(count: int) -> None:
    made: list[int] = []

    def make(place: int) -> int:
        made.append(place)
        return place * place

    batches = Prefetched(make, count)
    assert len(batches) == count
    assert list(batches) == [place * place for place in range(count)]
    assert made == list(range(count))


def test_batches_are_made_ahead_but_not_all_at_once() -> None:
    made: list[int] = []
    reader = iter(Prefetched(made.append, 100))
    next(reader)
    time.sleep(0.1)
    assert made == list(range(AHEAD + 1))
    reader.close()


def test_an_exception_is_raised_in_the_reader_at_its_batch() -> None:
    def make(place: int) -> int:
        if place == 2:
            raise ValueError("no such picture")
        return place

    seen = []
    with pytest.raises(ValueError, match="no such picture"):
        seen.extend(iter(Prefetched(make, 10)))
    reader = iter(Prefetched(make, 10))
    assert [next(reader), next(reader)] == [0, 1]


def test_a_reader_that_stops_ends_the_thread() -> None:
    before = threading.active_count()
    made: list[int] = []
    for place in Prefetched(lambda place: made.append(place) or place, 1000):
        assert threading.active_count() == before + 1
        if place == 3:
            break
    assert threading.active_count() == before
    assert len(made) <= 4 + AHEAD


def test_the_readers_waiting_time_is_measured() -> None:
    slow_make = Prefetched(lambda place: time.sleep(0.03), 10)
    list(slow_make)
    slow_reader = Prefetched(lambda place: time.sleep(0.001), 10)
    for _ in slow_reader:
        time.sleep(0.03)
    assert slow_make.seconds_waited > 0.25
    assert slow_reader.seconds_waited < slow_make.seconds_waited
