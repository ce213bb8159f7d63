"""Whether the worker of a trial lives: by a lock of the operating system on its machine, by signs of life elsewhere."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from realfake.core.files import state_folder

BEAT = 10.0
"""Seconds between two signs of life."""
GRACE = 60.0
"""Seconds without one after which a worker of another machine is taken for dead."""


class Worker:
    """This process as a study sees it: a mark in its trials, and a lock that ends with the process."""

    def __init__(self) -> None:
        folder = state_folder("locks") / "workers"
        folder.mkdir(exist_ok=True)
        path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        self._lock = FileLock(path)
        self._lock.acquire()
        self.mark = {"host": socket.gethostname(), "lock": str(path.resolve())}
        """Stands in the trials of this worker."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()
        Path(self.mark["lock"]).unlink(missing_ok=True)


def lock_is_held(path: Path) -> bool | None:
    """Whether the process that made a lock lives; None where the file is not to be found, as on another machine."""
    if not path.is_file():
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    path.unlink(missing_ok=True)
    return False


class Watch:
    """Listens to the signs of life of workers that no lock here tells of.

    A worker is judged by whether its sign changes, by the clock of this machine: clocks need not agree.
    """

    def __init__(self) -> None:
        self._heard: dict[int, tuple[Any, float]] = {}

    def alive(self, number: int, mark: Mapping[str, str], beat: Any, shared: bool) -> bool:
        """Whether the worker of a trial lives.

        Args:
            number: of the trial.
            mark: of its worker; empty where none is named yet.
            beat: its last sign of life, whatever it is.
            shared: whether other machines work on the study.
        """
        here = mark.get("host") == socket.gethostname() or not shared  # a host's name may change
        held = lock_is_held(Path(mark["lock"])) if mark and here else None
        if held is not None or not shared:
            return bool(held)
        now = time.monotonic()
        last, when = self._heard.get(number, (None, now))
        if last != beat or number not in self._heard:
            when = now
        self._heard[number] = (beat, when)
        return now - when < GRACE


@contextmanager
def beating(beat: Callable[[], None]) -> Iterator[None]:
    """Give signs of life while a block runs, from a thread: an epoch may take longer than others would wait."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(BEAT):
            with suppress(Exception):  # a database that does not answer now may answer the next time
                beat()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
