"""A sweep writes its metrics, a table of trials, the best parameters and figures."""

import numpy as np
import optuna
import pytest
import yaml
from matplotlib import style
from PIL import Image
from sweeping import tune_params

from realfake.core.json_files import read_json
from realfake.sweep.results import summarise, sweep_metrics, write_results
from realfake.sweep.study import Sweep
from realfake.sweep.trial_table import read_trials
from realfake.sweep.trials import make_sampler, suggest


@pytest.fixture
def sweep(project) -> Sweep:
    """A sweep of six trials: the fourth was pruned after one of four epochs, the fifth failed."""
    tune = tune_params()
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune, {"data": "d"})
    for number in range(6):
        sweep.study.sampler = make_sampler(tune, number)
        trial = sweep.study.ask()
        suggest(trial, tune.space)
        for epoch in range(1, 2 if number == 3 else 5):
            trial.report(0.5 + number / 20, epoch)
        trial.set_user_attr("epoch_seconds", 10.0)
        first = number == 0
        use = {"computed": 100 if first else 0, "reused": 0 if first else 100, "seconds": 20.0 if first else 0.5}
        trial.set_user_attr("cache", use | {"an_epoch": 50})
        if number == 3:
            sweep.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif number == 4:
            sweep.fail(number, "out of memory")
        else:
            sweep.study.tell(trial, 0.5 + number / 20)
    return sweep


def test_the_saved_time_is_that_of_epochs_not_trained_and_features_not_computed(sweep):
    """21 epochs of 50 pictures at 5 pictures per second, the rate of the one computation, less what was spent."""
    metrics = sweep_metrics(sweep.study, epochs=4)
    assert metrics["seconds_saved_by_pruning"] == 30.0
    assert metrics["seconds_saved_by_cache"] == pytest.approx(21 * 50 / 5 - 20 - 5 * 0.5)
    assert (metrics["best"], metrics["trials_complete"], metrics["trials_fail"]) == (0.75, 4, 1)
    text = summarise(metrics)
    assert "30 s by pruning, 3 min by the feature cache" in text
    assert "dropout" in text


def test_the_time_saved_by_a_cache_that_another_sweep_filled_is_unknown(project):
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    trial = sweep.study.ask()
    suggest(trial, tune_params().space)
    trial.report(0.5, 1)
    trial.set_user_attr("cache", {"computed": 0, "reused": 100, "seconds": 0.5, "an_epoch": 50})
    sweep.study.tell(trial, 0.5)
    metrics = sweep_metrics(sweep.study, epochs=1)
    assert "seconds_saved_by_cache" not in metrics
    assert summarise(metrics) == ""


def test_results_are_a_table_best_parameters_metrics_and_figures(sweep, tmp_path):
    write_results(sweep.study, tune_params(), sweep_metrics(sweep.study, 4), tmp_path / "tune")
    best = yaml.safe_load((tmp_path / "tune/best.yaml").read_text())["train"]
    rows = read_trials(tmp_path / "tune", list(tune_params().space))
    assert [row.state for row in rows] == ["complete"] * 3 + ["pruned", "fail", "complete"]
    assert float(rows[5].params["dropout"]) == best["dropout"]
    assert rows[4].reason == "out of memory"
    assert read_json(tmp_path / "tune/summary.json")["best"] == 0.75
    names = {path.stem for path in (tmp_path / "tune/figures").glob("*.png")}
    assert names == {"history", "importance", "slice", "parallel", "learning_curves"}


def test_figures_have_the_projects_style_and_matplotlibs_own_is_unchanged(sweep, tmp_path):
    """Their background is white; Optuna would draw on grey."""
    original = style.library["ggplot"]
    write_results(sweep.study, tune_params(), sweep_metrics(sweep.study, 4), tmp_path)
    for file in (tmp_path / "figures").glob("*.png"):
        white = (np.asarray(Image.open(file).convert("RGB")) == 255).all(axis=2).mean()
        assert white > 0.6, file.name
    assert style.library["ggplot"] is original
