"""The end of a trial is recorded: completed, pruned, failed, or given back to other workers."""

from dataclasses import replace

import pytest
from stage_files import epoch_result
from sweeping import experiment, outcome, runs, sweep, tune_params  # noqa: F401 - fixtures

from realfake.config.tool_schema import Choices
from realfake.core.errors import UserError
from realfake.sweep import trial_run
from realfake.sweep.worker import run_trials
from realfake.training.history import EpochTiming


@pytest.mark.slow
def test_a_trial_whose_network_cannot_be_logged_failed(sweep, experiment, runs, monkeypatch, outcome):
    def refuse(run, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "keep_model", refuse)
    monkeypatch.setattr(trial_run, "run_trial", lambda *arguments: outcome(0.7))
    with pytest.raises(UserError, match="No space left on device"):
        run_trials(sweep, experiment, runs, 1)
    assert (sweep.counts().completed, sweep.counts().failed) == (0, 5)


def test_a_poor_trial_is_pruned_but_not_among_the_startup_trials(sweep, experiment, runs, monkeypatch, outcome):
    seen = []

    def run_trial(experiment, values, on_epoch):
        value = 0.9 if len(seen) < 3 else 0.1
        seen.append(0)
        for epoch in range(1, 5):
            seen[-1] = epoch
            on_epoch(epoch_result(epoch, val_accuracy=value), EpochTiming(epoch_seconds=1.0, input_wait=0.0), None)
        return outcome(value)

    monkeypatch.setattr(trial_run, "run_trial", run_trial)
    run_trials(sweep, experiment, runs, 5)
    assert seen[:3] == [4, 4, 4]
    assert seen[4] == 1
    assert sweep.counts().pruned >= 1
    assert sweep.study.get_trials()[4].value == 0.1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_worker_gives_its_trial_back(sweep, experiment, runs, monkeypatch, stop):
    def run_trial(*arguments):
        raise stop

    monkeypatch.setattr(trial_run, "run_trial", run_trial)
    with pytest.raises(stop):
        run_trials(sweep, experiment, runs, 2)
    assert [trial.state.name for trial in sweep.study.get_trials()] == ["FAIL", "WAITING"]


@pytest.mark.slow
def test_an_orphaned_worker_gives_its_trial_back_and_ends(sweep, experiment, runs):
    answers = iter([False, True, True])
    run_trials(sweep, experiment, runs, 2, orphaned=lambda: next(answers))
    trial = sweep.study.get_trials()[0]
    assert (trial.state.name, trial.user_attrs["reason"]) == ("FAIL", "interrupted")
    assert sweep.study.get_trials()[1].state.name == "WAITING"


def test_contradictory_values_fail_with_the_rule_that_they_break(sweep, experiment, runs):
    """Each of them is allowed, and the combinations of a search space are too many to check."""
    space = {"epochs": Choices(choices=[1]), "optimizer.warmup_epochs": Choices(choices=[2.0])}
    with pytest.raises(UserError, match=r"warmup_epochs 2.0 exceeds epochs 1"):
        run_trials(sweep, replace(experiment, tune=tune_params(space=space)), runs, 1)


def test_a_failed_trial_is_recorded_with_its_reason_and_the_sweep_continues(
    sweep, experiment, runs, monkeypatch, outcome
):
    answers = iter([MemoryError("no memory for 8 GB"), UserError("the loss is nan"), outcome(0.7), outcome(0.8)])

    def run_trial(*arguments):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(trial_run, "run_trial", run_trial)
    run_trials(sweep, experiment, runs, 2)
    assert (sweep.counts().completed, sweep.counts().failed) == (2, 2)
    reasons = [trial.user_attrs.get("reason") for trial in sweep.study.get_trials()]
    assert reasons == ["no memory for 8 GB", "the loss is nan", None, None]
    failed = runs.client.get_run(sweep.study.get_trials()[0].user_attrs["mlflow_run"])
    assert (failed.info.status, failed.data.tags["trial_state"]) == ("FAILED", "failed")
