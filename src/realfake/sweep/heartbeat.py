"""Detect dead workers: by a lock of the operating system on the same machine, by heartbeats on other machines."""

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

HEARTBEAT_SECONDS = 10.0
"""Seconds between two heartbeats of a worker."""
TIMEOUT_SECONDS = 60.0
"""Seconds without a heartbeat after which a worker on another machine counts as dead."""


class Worker:
    """Identify this process to a study: by a mark in its trials, and a lock file that is released when it ends."""

    def __init__(self) -> None:
        folder = state_folder("locks") / "workers"
        folder.mkdir(exist_ok=True)
        path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        self._lock = FileLock(path)
        self._lock.acquire()
        self.mark = {"host": socket.gethostname(), "lock": str(path.resolve())}
        """Host name and path of the lock file, which the study stores with each trial of this worker."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()
        Path(self.mark["lock"]).unlink(missing_ok=True)


def lock_is_held(path: Path) -> bool | None:
    """Return whether the process that created a lock file is alive; delete the file if it is not.

    Returns:
        None where the file does not exist, as on another machine.
    """
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


class WorkerMonitor:
    """Decide whether workers are alive; remember the heartbeats of those on other machines.

    A worker elsewhere is alive as long as its heartbeat changes. Only this machine's clock is read: clocks of machines
    need not agree.
    """

    def __init__(self) -> None:
        self._last_beats: dict[int, tuple[Any, float]] = {}

    def is_alive(self, number: int, mark: Mapping[str, str], beat: Any, shared: bool) -> bool:
        """Return whether the worker of a trial is alive.

        Args:
            number: number of the trial.
            mark: `Worker.mark` of its worker; empty if the trial has no worker yet.
            beat: last heartbeat of the worker; only compared with the one before.
            shared: whether other machines work on the study.
        """
        local = mark.get("host") == socket.gethostname() or not shared  # a host's name may change
        held = lock_is_held(Path(mark["lock"])) if mark and local else None
        if held is not None or not shared:
            return bool(held)
        now = time.monotonic()
        last, changed = self._last_beats.get(number, (None, now))
        if last != beat or number not in self._last_beats:
            changed = now
        self._last_beats[number] = (beat, changed)
        return now - changed < TIMEOUT_SECONDS


@contextmanager
def send_heartbeats(beat: Callable[[], None]) -> Iterator[None]:
    """Call `beat` repeatedly from a thread while the block runs; an epoch may take longer than TIMEOUT_SECONDS."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            with suppress(Exception):  # the database may answer the next time
                beat()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
