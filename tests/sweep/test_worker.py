"""A worker runs trials until there are enough, and stops when too many fail in a row."""

import gc
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT
from sweeping import experiment, outcome, runs, sweep  # noqa: F401 - fixtures

from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.sweep import trial_run
from realfake.sweep import worker as sweep_worker
from realfake.sweep.trials import suggest
from realfake.sweep.worker import Order, run_trials, run_worker


def test_trials_use_the_chosen_fraction_of_train_and_all_of_val(project, experiment, monkeypatch):
    seen = []
    monkeypatch.setattr(sweep_worker, "run_trials", lambda sweep, experiment, *others: seen.append(experiment))
    half = experiment.tune.model_copy(update={"fraction": 0.5})
    params = load_params(PROJECT / "recipes/scratch.yaml").model_copy(update={"train": experiment.train, "tune": half})
    run_worker(Order("sweep-1", None, 3, "d" * 64), params, experiment.data, lambda: False)
    (train, val) = seen[0].data
    assert np.bincount(train[1]).tolist() == [8, 8]
    assert len(val[1]) == 16


@pytest.mark.slow
def test_trials_are_trained_and_logged_and_the_best_network_is_kept(project, sweep, experiment, runs):
    from realfake.models.saving import load_network

    run_trials(sweep, experiment, runs, 3)
    counts = sweep.counts()
    assert (counts.finished, counts.failed) == (3, 0)
    client = runs.client
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


def test_a_sweep_whose_trials_all_fail_stops_with_the_reason_and_can_be_run_again(sweep, experiment, runs, monkeypatch):
    """The user may have corrected the cause, so earlier failures do not count."""

    def run_trial(*arguments):
        raise UserError("train.unfreeze is 999")

    monkeypatch.setattr(trial_run, "run_trial", run_trial)
    monkeypatch.setattr(sweep_worker, "MAX_FAILURES_IN_A_ROW", 2)
    for times in (1, 2):
        with pytest.raises(UserError, match=r"2 trials failed .*train.unfreeze is 999"):
            run_trials(sweep, experiment, runs, 30)
        assert sweep.counts().failed == 2 * times


def test_trials_lost_with_their_workers_do_not_end_a_sweep(sweep, experiment, runs, monkeypatch, outcome):
    """A reboot while many workers run leaves as many failed trials."""
    for _ in range(6):
        trial = sweep.study.ask()
        suggest(trial, experiment.tune.space)
    sweep.recover()
    assert sweep.counts().failed == 6
    monkeypatch.setattr(trial_run, "run_trial", lambda *arguments: outcome(0.7))
    run_trials(sweep, experiment, runs, 3)
    assert sweep.counts().completed == 3


@pytest.mark.slow
def test_the_graphs_of_a_finished_trial_are_freed(sweep, experiment, runs):
    """TensorFlow itself keeps custom gradients, and with them all graphs of a network."""

    def graphs() -> int:
        return sum(type(item).__name__ == "FuncGraph" for item in gc.get_objects())

    run_trials(sweep, experiment, runs, 1)
    before = graphs()
    run_trials(sweep, experiment, runs, 2)
    assert graphs() == before
