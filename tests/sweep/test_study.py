"""A study counts its trials, and retries those whose worker died, but no running one."""

import subprocess
import sys

import pytest
from conftest import PROJECT
from sweeping import claim, tune_params

from realfake.config.tool_schema import Choices
from realfake.core.errors import UserError
from realfake.sweep.heartbeat import Worker
from realfake.sweep.study import Sweep, study_identity
from realfake.sweep.trials import suggest


@pytest.fixture
def sweep(project) -> Sweep:
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    return sweep


HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from realfake.sweep.heartbeat import Worker
from realfake.sweep.study import Sweep
sys.path.insert(0, sys.argv[2])
from sweeping import claim, tune_params
sweep = Sweep(None, "sweep-1")
sweep.begin(tune_params(), {"data": "d"})
worker = Worker()
claim(sweep, worker.mark)
print("claimed", flush=True)
time.sleep(60)
"""


def test_running_and_finished_trials_count_together(sweep):
    worker = Worker()
    first, second = claim(sweep, worker.mark, 2), claim(sweep, worker.mark, 2)
    assert claim(sweep, worker.mark, 2) is None
    sweep.fail(second.number, "out of memory")
    third = claim(sweep, worker.mark, 2)
    assert third is not None, "a failed trial does not count"
    for trial in (first, third):
        sweep.study.tell(trial, 0.9)
    assert claim(sweep, worker.mark, 2) is None
    counts = sweep.counts()
    assert (counts.completed, counts.failed, counts.running, counts.finished) == (2, 1, 0, 2)


def test_the_trial_of_a_killed_worker_is_retried_and_that_of_a_live_worker_is_not(sweep):
    command = [sys.executable, "-c", HOLDER, str(PROJECT / "src"), str(PROJECT / "tests")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "claimed\n"
    sweep.recover()
    assert sweep.counts().running == 1, "a running trial counted as lost"
    lost = sweep.study.get_trials()[0]
    holder.kill()
    holder.wait()
    with sweep.locked():
        sweep.recover()
    assert (sweep.counts().running, sweep.counts().failed) == (0, 1)
    worker = Worker()
    again = claim(sweep, worker.mark)
    assert again.params == lost.params
    assert again.user_attrs["retry_of"] == lost.number


def test_a_trial_that_kills_every_worker_is_retried_a_limited_number_of_times(sweep):
    worker = Worker()
    first = claim(sweep, worker.mark)
    sweep.fail(first.number, "killed", retry=True)
    seen = []
    for _ in range(4):
        trial = claim(sweep, worker.mark)
        seen.append(trial.params == first.params)
        sweep.fail(trial.number, "killed", retry=True)
    assert seen[:2] == [True, True]
    assert not seen[2]


def test_a_study_with_other_data_is_refused(sweep):
    with pytest.raises(UserError, match=r"study sweep-1 .* data.*--new"):
        Sweep(None, "sweep-1").begin(tune_params(), {"data": "other"})


def test_a_study_is_identified_by_the_parameters_that_its_trials_share(train_params):
    first = study_identity(train_params, tune_params(), "d")
    other = train_params.model_copy(update={"dropout": 0.5})
    assert study_identity(other, tune_params(), "d") == first
    longer = train_params.model_copy(update={"epochs": 9})
    assert study_identity(longer, tune_params(), "d") != first
    assert study_identity(train_params, tune_params(fraction=0.5), "d") != first
    assert study_identity(train_params, tune_params(metric="val_loss"), "d") != first
    narrower = {"dropout": Choices(choices=[0.1])}
    assert study_identity(train_params, tune_params(space=narrower), "d")["space"] != first["space"]
    finished = train_params.model_copy(update={"mirror": not train_params.mirror, "calibration": "platt"})
    assert study_identity(finished, tune_params(), "d") == first


def test_a_trial_that_two_machines_report_as_lost_is_retried_once(sweep):
    lost = claim(sweep, Worker().mark)
    other = Sweep(None, "sweep-1")
    other.study = sweep.study
    for one in (sweep, other):
        one.fail(lost.number, "its worker ended before it did", retry=True)
    states = [trial.state.name for trial in sweep.study.get_trials()]
    assert states == ["FAIL", "WAITING"]


def test_of_two_machines_that_start_the_last_trial_the_later_one_withdraws(project):
    """Machines share a database, but no lock."""
    url = f"sqlite:///{project}/sweeps.db"
    one, other = Sweep(url, "both"), Sweep(url, "both")
    for sweep in (one, other):
        sweep.begin(tune_params(), {"data": "d"})
    assert (one.created_here, other.created_here) == (True, False)
    counted = other.counts()
    workers = [Worker(), Worker()]
    first = claim(one, workers[0].mark, 1)
    other.counts = lambda: counted
    assert claim(other, workers[1].mark, 1) is None
    assert first is not None
    states = [trial.state.name for trial in one.study.get_trials()]
    assert states == ["RUNNING", "FAIL"]


def test_machines_that_start_at_the_same_time_try_different_parameters(project):
    url = f"sqlite:///{project}/sweeps.db"
    one, other = Sweep(url, "both"), Sweep(url, "both")
    for sweep in (one, other):
        sweep.begin(tune_params(), {"data": "d"})
    workers = [Worker(), Worker()]
    trials = [s.claim(w.mark, tune_params(), 30, epochs=8) for s, w in zip((one, other), workers, strict=True)]
    first, second = (suggest(trial, tune_params().space) for trial in trials)
    assert first != second
