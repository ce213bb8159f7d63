"""Workers share the CPUs and are replaced when they die; the user sees their errors."""

import os
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from sweeping import tune_params

from realfake.core.errors import UserError
from realfake.sweep.pool import RESTARTS, Pool, worker_cpus
from realfake.sweep.progress import Progress
from realfake.sweep.study import Sweep
from realfake.sweep.worker import Order

ORDER = Order("sweep-1", None, 2, "d")

HEAD = f"""
import os, signal, sys, time
sys.path.insert(0, {str(PROJECT / "src")!r})
from realfake.sweep.pool import receive_order
"""


@pytest.fixture
def sweep(project) -> Sweep:
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    return sweep


def script(folder: Path, body: str) -> list[str]:
    """Return the command of a worker that receives its order and then runs `body`."""
    path = folder / "worker.py"
    path.write_text(f"{HEAD}\norder, metric, parent = receive_order(sys.stdin)\n{body}")
    return [sys.executable, str(path)]


def test_every_worker_has_equally_many_cpus(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 5, 7}, raising=False)
    assert [worker_cpus(2, place) for place in range(2)] == [[2, 3], [5, 7]]
    assert [worker_cpus(3, place) for place in range(3)] == [[2], [3], [5]]
    assert all(len(worker_cpus(6, place)) >= 1 for place in range(6))


def test_a_killed_worker_is_replaced_a_limited_number_of_times(sweep, tmp_path):
    path = script(tmp_path, "open('starts', 'a').write('x'); os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(UserError, match="memory; lower --jobs"):
        Pool(sweep, path, ORDER, "val_auc", 1).run()
    assert len(Path("starts").read_text()) == 1 + RESTARTS


def test_the_error_of_a_worker_is_the_error_of_the_sweep(sweep, tmp_path):
    path = script(tmp_path, "print('error: the last 5 trials failed'); sys.exit(1)")
    with pytest.raises(UserError, match=r"^the last 5 trials failed$"):
        Pool(sweep, path, ORDER, "val_auc", 2).run()


def test_no_worker_starts_when_enough_trials_are_finished(sweep, tmp_path):
    for _ in range(2):
        sweep.study.tell(sweep.study.ask(), 0.5)
    Pool(sweep, script(tmp_path, "open('starts', 'a').write('x')"), ORDER, "val_auc", 1).run()
    assert not Path("starts").exists()


def test_an_interruption_stops_the_workers_and_prints_finished_trials(sweep, tmp_path, capsys, monkeypatch):
    wait = "try:\n    time.sleep(60)\nexcept SystemExit:\n    open('stopped', 'w').close()"
    path = script(tmp_path, f"open('started', 'w').close()\n{wait}")
    pool = Pool(sweep, path, ORDER, "val_auc", 1)

    def interrupt(progress) -> None:
        if Path("started").exists():
            sweep.study.tell(sweep.study.ask(), 0.5)
            raise KeyboardInterrupt

    update = Progress.update
    monkeypatch.setattr(Progress, "update", interrupt)
    monkeypatch.setattr(Progress, "close", update)
    with pytest.raises(UserError, match=r"stopped after 1 of 2 trials; .*--study sweep-1"):
        pool.run()
    assert Path("stopped").exists()
    assert capsys.readouterr().out.startswith("trial   0  complete   0.5000")


def test_a_worker_receives_the_order_of_its_pool(sweep, tmp_path):
    body = "print('error:', order.study, order.trials, metric, parent == os.getppid(), len(os.sched_getaffinity(0)))"
    with pytest.raises(UserError, match=rf"^sweep-1 2 val_auc True {len(worker_cpus(2, 0))}$"):
        Pool(sweep, script(tmp_path, f"{body}; sys.exit(1)"), ORDER, "val_auc", 2).run()
