"""Workers share the processors, are replaced when they die, and their errors reach the user."""

import os
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from sweeping import tune_params

from realfake.core.errors import UserError
from realfake.sweep.pool import RESTARTS, Pool, share_of
from realfake.sweep.progress import Progress
from realfake.sweep.study import Sweep
from realfake.sweep.worker import Order

ORDER = Order("sweep-1", None, 2, "d")

HEAD = f"""
import os, signal, sys, time
sys.path.insert(0, {str(PROJECT / "src")!r})
from realfake.sweep.pool import receive
"""


@pytest.fixture
def sweep(project) -> Sweep:
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    return sweep


def script(folder: Path, body: str) -> list[str]:
    """A command whose process knows its order."""
    path = folder / "worker.py"
    path.write_text(f"{HEAD}\norder, metric, parent = receive(sys.stdin)\n{body}")
    return [sys.executable, str(path)]


def test_processors_are_shared_evenly(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 5, 7}, raising=False)
    assert [share_of(2, place) for place in range(2)] == [[2, 3], [5, 7]]
    assert [share_of(3, place) for place in range(3)] == [[2], [3], [5]], "equally many for all"
    assert all(len(share_of(6, place)) >= 1 for place in range(6))


def test_a_worker_that_is_killed_is_replaced_but_not_for_ever(sweep, tmp_path):
    path = script(tmp_path, "open('starts', 'a').write('x'); os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(UserError, match="the workers were killed, most likely for lack of memory; lower --jobs"):
        Pool(sweep, path, ORDER, "val_auc", 1).run()
    assert len(Path("starts").read_text()) == 1 + RESTARTS


def test_a_workers_error_is_the_sweeps(sweep, tmp_path):
    path = script(tmp_path, "print('error: the last 5 trials failed'); sys.exit(1)")
    with pytest.raises(UserError, match=r"^the last 5 trials failed$"):
        Pool(sweep, path, ORDER, "val_auc", 2).run()


def test_no_worker_starts_where_the_trials_are_done(sweep, tmp_path):
    for _ in range(2):
        sweep.study.tell(sweep.study.ask(), 0.5)
    Pool(sweep, script(tmp_path, "open('starts', 'a').write('x')"), ORDER, "val_auc", 1).run()
    assert not Path("starts").exists()


def test_finished_trials_are_told_and_workers_asked_to_stop(sweep, tmp_path, capsys, monkeypatch):
    wait = "try:\n    time.sleep(60)\nexcept SystemExit:\n    open('asked', 'w').close()"
    path = script(tmp_path, f"open('started', 'w').close()\n{wait}")
    pool = Pool(sweep, path, ORDER, "val_auc", 1)

    def interrupt(progress) -> None:
        if Path("started").exists():
            sweep.study.tell(sweep.study.ask(), 0.5)
            raise KeyboardInterrupt

    tell = Progress.tell
    monkeypatch.setattr(Progress, "tell", interrupt)
    monkeypatch.setattr(Progress, "close", tell)
    with pytest.raises(UserError, match="stopped after 1 of 2 trials; the same command with `--study sweep-1` goes on"):
        pool.run()
    assert Path("asked").exists()
    assert capsys.readouterr().out.startswith("trial   0  complete   0.5000")


def test_a_worker_hears_what_the_pool_ordered(sweep, tmp_path):
    said = "print('error:', order.study, order.trials, metric, parent == os.getppid(), len(os.sched_getaffinity(0)))"
    with pytest.raises(UserError, match=rf"^sweep-1 2 val_auc True {len(share_of(2, 0))}$"):
        Pool(sweep, script(tmp_path, f"{said}; sys.exit(1)"), ORDER, "val_auc", 2).run()
