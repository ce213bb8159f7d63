"""A worker runs trials until there are enough, records what fails, and puts its trial away when it must end."""

import gc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PROJECT, toy_pictures
from stage_files import epoch_result
from sweeping import tune_params

from realfake.config.schema import load_params
from realfake.config.tool_schema import Choices
from realfake.core.errors import UserError
from realfake.sweep import worker as sweep_worker
from realfake.sweep.mlflow_runs import sweep_runs
from realfake.sweep.study import Sweep
from realfake.sweep.trials import Experiment, suggest
from realfake.sweep.worker import Order, serve, work
from realfake.training.history import EpochTiming


@pytest.fixture
def experiment(train_params) -> Experiment:
    data = (toy_pictures(32, seed=0), toy_pictures(16, seed=1))
    return Experiment(train_params.model_copy(update={"epochs": 2}), tune_params(startup_trials=2), data)


@pytest.fixture
def sweep(project, experiment) -> Sweep:
    sweep = Sweep(None, "sweep-1")
    sweep.begin(experiment.tune, {"data": "d"})
    return sweep


@pytest.fixture
def runs(sweep):
    with sweep_runs("realfake", sweep, {"tune.metric": "val_accuracy"}, "d" * 64, {}) as runs:
        yield runs


def outcome(value: float, network=None) -> SimpleNamespace:
    return SimpleNamespace(value=value, network=network)


def tell_alone(sweep, runs, run, trial, found) -> None:
    """What a trial without a network leaves."""
    sweep.study.tell(trial, found.value)


def test_trials_see_the_chosen_part_of_train_and_all_of_val(project, experiment, monkeypatch):
    seen = []
    monkeypatch.setattr(sweep_worker, "work", lambda sweep, experiment, *others: seen.append(experiment))
    half = experiment.tune.model_copy(update={"fraction": 0.5})
    params = load_params(PROJECT / "recipes/scratch.yaml").model_copy(update={"train": experiment.train, "tune": half})
    serve(Order("sweep-1", None, 3, "d" * 64), params, experiment.data, lambda: False)
    (train, val) = seen[0].data
    assert np.bincount(train[1]).tolist() == [8, 8]
    assert len(val[1]) == 16


@pytest.mark.slow
def test_trials_are_trained_logged_and_the_best_is_kept(project, sweep, experiment, runs):
    from realfake.models.saving import load_network

    work(sweep, experiment, runs, 3)
    counts = sweep.counts()
    assert (counts.finished, counts.failed) == (3, 0)
    client = runs._client
    best = sweep.study.best_trial
    kept = client.download_artifacts(best.user_attrs["mlflow_run"], "model/model.keras", str(project))
    assert load_network(Path(kept)).get_layer("dropout").rate == pytest.approx(best.params["dropout"], abs=1e-3)
    for trial in sweep.study.get_trials():
        run = client.get_run(trial.user_attrs["mlflow_run"])
        assert run.data.tags["mlflow.parentRunId"] == runs.parent
        assert run.data.params["train.backbone"] == experiment.train.backbone
        assert run.info.status == "FINISHED"
        steps = [point.step for point in client.get_metric_history(run.info.run_id, "val_accuracy")]
        assert steps == sorted(trial.intermediate_values)
        assert bool(client.list_artifacts(run.info.run_id)) == (trial.number == best.number), "one network is kept"
        assert trial.user_attrs["memory_mb"] > 100


def test_a_trial_that_fails_is_recorded_with_its_reason_and_the_sweep_goes_on(sweep, experiment, runs, monkeypatch):
    answers = iter([MemoryError("no memory for 8 GB"), UserError("the loss is nan"), outcome(0.7), outcome(0.8)])

    def run_trial(*arguments):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(sweep_worker, "run_trial", run_trial)
    monkeypatch.setattr(sweep_worker, "_finish", tell_alone)
    work(sweep, experiment, runs, 2)
    assert (sweep.counts().completed, sweep.counts().failed) == (2, 2)
    reasons = [trial.user_attrs.get("reason") for trial in sweep.study.get_trials()]
    assert reasons == ["no memory for 8 GB", "the loss is nan", None, None]
    failed = runs._client.get_run(sweep.study.get_trials()[0].user_attrs["mlflow_run"])
    assert (failed.info.status, failed.data.tags["trial_state"]) == ("FAILED", "failed")


def test_values_that_do_not_go_together_fail_with_the_rule(sweep, experiment, runs):
    """Each is allowed; the space cannot be checked in all combinations."""
    space = {"epochs": Choices(choices=[1]), "optimizer.warmup_epochs": Choices(choices=[2.0])}
    with pytest.raises(UserError, match=r"the last one: optimizer.warmup_epochs 2.0 exceeds epochs 1"):
        work(sweep, replace(experiment, tune=tune_params(space=space)), runs, 1)


def test_a_sweep_whose_trials_all_fail_stops_with_the_reason_and_can_be_tried_again(
    sweep, experiment, runs, monkeypatch
):
    """What was wrong may have been mended: failures of before do not count."""

    def run_trial(*arguments):
        raise UserError("train.unfreeze is 999")

    monkeypatch.setattr(sweep_worker, "run_trial", run_trial)
    monkeypatch.setattr(sweep_worker, "GIVE_UP", 2)
    for times in (1, 2):
        with pytest.raises(UserError, match=r"2 trials failed in a row, .* train.unfreeze is 999"):
            work(sweep, experiment, runs, 30)
        assert sweep.counts().failed == 2 * times


def test_many_lost_workers_do_not_end_a_sweep(sweep, experiment, runs, monkeypatch):
    """A reboot with many workers in flight leaves as many failed trials."""
    for _ in range(6):
        trial = sweep.study.ask()
        suggest(trial, experiment.tune.space)
    sweep.recover()
    assert sweep.counts().failed == 6
    monkeypatch.setattr(sweep_worker, "run_trial", lambda *arguments: outcome(0.7))
    monkeypatch.setattr(sweep_worker, "_finish", tell_alone)
    work(sweep, experiment, runs, 3)
    assert sweep.counts().completed == 3


@pytest.mark.slow
def test_nothing_of_a_finished_trial_stays_in_memory(sweep, experiment, runs):
    """TensorFlow keeps custom gradients, and with them all graphs of a network."""

    def graphs() -> int:
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    work(sweep, experiment, runs, 1)
    before = graphs()
    work(sweep, experiment, runs, 2)
    assert graphs() == before


@pytest.mark.slow
def test_a_network_that_cannot_be_kept_is_no_finished_trial(sweep, experiment, runs, monkeypatch):
    def refuse(run, file):
        raise OSError(28, "No space left on device")

    from realfake.models.builder import build_network

    network = build_network(experiment.train)
    monkeypatch.setattr(runs, "keep_model", refuse)
    monkeypatch.setattr(sweep_worker, "run_trial", lambda *arguments: outcome(0.7, network))
    with pytest.raises(UserError, match="No space left on device"):
        work(sweep, experiment, runs, 1)
    assert (sweep.counts().completed, sweep.counts().failed) == (0, 5)


def test_a_poor_trial_is_stopped_but_not_among_the_first(sweep, experiment, runs, monkeypatch):
    seen = []

    def run_trial(experiment, values, on_epoch):
        value = 0.9 if len(seen) < 3 else 0.1
        seen.append(0)
        for epoch in range(1, 5):
            seen[-1] = epoch
            on_epoch(epoch_result(epoch, val_accuracy=value), EpochTiming(epoch_seconds=1.0, input_wait=0.0), None)
        return outcome(value)

    monkeypatch.setattr(sweep_worker, "run_trial", run_trial)
    monkeypatch.setattr(sweep_worker, "_finish", tell_alone)
    work(sweep, experiment, runs, 5)
    assert seen[:3] == [4, 4, 4]
    assert seen[4] == 1
    assert sweep.counts().pruned >= 1
    assert sweep.study.get_trials()[4].value == 0.1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_worker_that_is_stopped_gives_its_trial_back(sweep, experiment, runs, monkeypatch, stop):
    def run_trial(*arguments):
        raise stop

    monkeypatch.setattr(sweep_worker, "run_trial", run_trial)
    with pytest.raises(stop):
        work(sweep, experiment, runs, 2)
    assert [trial.state.name for trial in sweep.study.get_trials()] == ["FAIL", "WAITING"]


@pytest.mark.slow
def test_a_worker_whose_parent_is_gone_gives_its_trial_back_and_ends(sweep, experiment, runs):
    answers = iter([False, True, True])
    work(sweep, experiment, runs, 2, orphaned=lambda: next(answers))
    trial = sweep.study.get_trials()[0]
    assert (trial.state.name, trial.user_attrs["reason"]) == ("FAIL", "interrupted")
    assert sweep.study.get_trials()[1].state.name == "WAITING"
