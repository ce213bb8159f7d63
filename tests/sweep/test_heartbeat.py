"""A live worker is never taken for a dead one, and a dead one is noticed."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import PROJECT

from realfake.sweep import heartbeat
from realfake.sweep.heartbeat import GRACE, Watch, Worker, beating, lock_is_held

ELSEWHERE = {"host": "another", "lock": "/nowhere/1.lock"}


@pytest.fixture
def dead(project) -> dict[str, str]:
    """The mark of a worker that was killed."""
    code = (
        "import json, os, signal; from realfake.sweep.heartbeat import Worker; worker = Worker(); "
        "print(json.dumps(worker.mark), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    variables = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def test_a_lock_says_whether_its_process_lives(project, dead):
    with Worker() as worker:
        assert lock_is_held(Path(worker.mark["lock"]))
    path = Path(dead["lock"])
    assert lock_is_held(path) is False
    assert lock_is_held(path) is None, "a lock that was found free is of no more use"


def test_a_worker_of_this_machine_is_judged_by_its_lock_whatever_it_says(project, dead):
    worker, watch = Worker(), Watch()
    assert watch.alive(0, worker.mark, None, shared=False)
    assert not watch.alive(1, dead, "a sign", shared=True)


def test_without_other_machines_a_trial_without_a_lock_is_lost():
    assert not Watch().alive(0, {}, None, shared=False)
    assert not Watch().alive(0, ELSEWHERE, 1.0, shared=False)


@pytest.mark.parametrize("mark", [{}, ELSEWHERE])
def test_another_machines_worker_lives_as_long_as_its_sign_changes(monkeypatch, mark):
    now = 1000.0
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now)
    watch = Watch()
    for sign in range(5):
        assert watch.alive(0, mark, sign, shared=True)
        now += GRACE - 1
    assert watch.alive(0, mark, 5, shared=True)
    now += GRACE + 1
    assert not watch.alive(0, mark, 5, shared=True)
    assert watch.alive(1, mark, 5, shared=True), "another trial's silence is its own"


def test_signs_of_life_are_given_while_the_work_goes_on_and_end_with_it(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT", 0.001)
    heard, enough = [], threading.Event()

    def beat() -> None:
        heard.append(0)
        if len(heard) == 3:
            enough.set()

    before = threading.active_count()
    with beating(beat):
        assert enough.wait(30)
    assert threading.active_count() == before
