"""A live worker never counts as dead, and a dead worker is detected."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import PROJECT

from realfake.sweep import heartbeat
from realfake.sweep.heartbeat import TIMEOUT_SECONDS, Worker, WorkerMonitor, lock_is_held, send_heartbeats

ELSEWHERE = {"host": "another", "lock": "/nowhere/1.lock"}


@pytest.fixture
def dead_mark(project) -> dict[str, str]:
    """The mark of a worker that was killed."""
    code = (
        "import json, os, signal; from realfake.sweep.heartbeat import Worker; worker = Worker(); "
        "print(json.dumps(worker.mark), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    variables = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def test_a_lock_tells_whether_its_process_is_alive(project, dead_mark):
    with Worker() as worker:
        assert lock_is_held(Path(worker.mark["lock"]))
    path = Path(dead_mark["lock"])
    assert lock_is_held(path) is False
    assert lock_is_held(path) is None, "a free lock file is deleted"


def test_a_worker_on_this_machine_is_alive_while_it_holds_its_lock_whatever_its_heartbeat(project, dead_mark):
    worker, monitor = Worker(), WorkerMonitor()
    assert monitor.is_alive(0, worker.mark, None, shared=False)
    assert not monitor.is_alive(1, dead_mark, "a heartbeat", shared=True)


def test_without_other_machines_a_worker_without_a_lock_is_dead():
    assert not WorkerMonitor().is_alive(0, {}, None, shared=False)
    assert not WorkerMonitor().is_alive(0, ELSEWHERE, 1.0, shared=False)


@pytest.mark.parametrize("mark", [{}, ELSEWHERE])
def test_a_worker_on_another_machine_is_alive_as_long_as_its_heartbeat_changes(monkeypatch, mark):
    now = 1000.0
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now)
    monitor = WorkerMonitor()
    for beat in range(5):
        assert monitor.is_alive(0, mark, beat, shared=True)
        now += TIMEOUT_SECONDS - 1
    assert monitor.is_alive(0, mark, 5, shared=True)
    now += TIMEOUT_SECONDS + 1
    assert not monitor.is_alive(0, mark, 5, shared=True)
    assert monitor.is_alive(1, mark, 5, shared=True), "each trial has heartbeats of its own"


def test_heartbeats_are_sent_while_the_block_runs_and_stop_with_it(monkeypatch):
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.001)
    beats, enough = [], threading.Event()

    def beat() -> None:
        beats.append(0)
        if len(beats) == 3:
            enough.set()

    before = threading.active_count()
    with send_heartbeats(beat):
        assert enough.wait(30)
    assert threading.active_count() == before
