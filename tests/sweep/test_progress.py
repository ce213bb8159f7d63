"""A running sweep prints counts, the best value and the time left, and a line for each trial that ends."""

import optuna
import pytest
from sweeping import tune_params

from realfake.config.tool_schema import Choices
from realfake.sweep.progress import Progress, duration, progress_line, trial_line
from realfake.sweep.study import Sweep

TUNE = tune_params(space={"dropout": Choices(choices=[0.25])})


@pytest.fixture
def sweep(project) -> Sweep:
    """A sweep of three trials: the second was pruned after one of four epochs, the third failed."""
    sweep = Sweep(None, "sweep-1")
    sweep.begin(TUNE, {"data": "d"})
    for number in range(3):
        trial = sweep.study.ask()
        trial.suggest_categorical("dropout", [0.25])
        for epoch in range(1, 2 if number == 1 else 5):
            trial.report(0.5, epoch)
        if number == 0:
            sweep.study.tell(trial, 0.5)
        elif number == 1:
            sweep.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            sweep.fail(number, "out of memory")
    return sweep


def test_the_line_has_counts_the_best_value_and_the_time_left(sweep):
    assert progress_line(sweep, 30, seconds=50.0, at_start=0) == (
        "2/30: 1 complete, 1 pruned, 1 failed, 0 running; best 0.5000 (trial 0); 12 min left"
    )
    assert "left" not in progress_line(sweep, 2, 50.0, 0)
    assert "left" not in progress_line(sweep, 30, 50.0, 2), "the pace is unknown yet"


def test_each_trial_is_one_line(sweep):
    assert [trial_line(trial) for trial in sweep.study.get_trials()] == [
        "trial   0  complete   0.5000    4 epochs  dropout 0.25",
        "trial   1  pruned     0.5000    1 epoch   dropout 0.25",
        "trial   2  fail      out of memory    4 epochs  dropout 0.25",
    ]


def test_a_trial_that_ended_is_printed_once(sweep, capsys):
    progress = Progress(sweep, 30)
    progress.update()
    best = "best so far: trial   0  complete   0.5000    4 epochs  dropout 0.25\n"
    assert capsys.readouterr().out == best, "trials finished earlier are not printed"
    sweep.study.tell(sweep.study.ask(), 0.9)
    progress.update()
    progress.close()
    line, state = capsys.readouterr().out.splitlines()
    assert line == "trial   3  complete   0.9000    0 epochs    <- best so far"
    assert state.startswith("  3/30: 2 complete, 1 pruned, 1 failed, 0 running; best 0.9000 (trial 3); ")


def test_a_pruned_trial_is_printed_before_any_trial_is_completed(project, capsys):
    sweep = Sweep(None, "sweep-1")
    sweep.begin(TUNE, {"data": "d"})
    progress = Progress(sweep, 30)
    trial = sweep.study.ask()
    trial.report(0.5, 1)
    sweep.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    progress.update()
    assert capsys.readouterr().out.startswith("trial   0  pruned     0.5000    1 epoch")


def test_durations_are_in_seconds_or_minutes():
    assert [duration(seconds) for seconds in (3.2, 89, 90, 600)] == ["3 s", "89 s", "2 min", "10 min"]
