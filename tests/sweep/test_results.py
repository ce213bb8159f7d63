"""What a sweep leaves: its figures, a table, the best parameters, drawings."""

import numpy as np
import optuna
import pytest
import yaml
from matplotlib import style
from PIL import Image
from sweeping import tune_params

from realfake.core.json_files import read_json
from realfake.sweep.results import figures_of, summary, write
from realfake.sweep.study import Sweep
from realfake.sweep.trial_table import read_trials
from realfake.sweep.trials import sampler, suggest


@pytest.fixture
def sweep(project) -> Sweep:
    """Six trials: the fourth was stopped after one of four epochs, the fifth failed."""
    tune = tune_params()
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune, {"data": "d"})
    for number in range(6):
        sweep.study.sampler = sampler(tune, number)
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


def test_savings_are_the_epochs_not_trained_and_the_pictures_not_computed(sweep):
    """21 epochs of 50 pictures, at the 5 pictures a second of the one pass that was made, less what that cost."""
    figures = figures_of(sweep.study, epochs=4)
    assert figures["seconds_saved_by_pruning"] == 30.0
    assert figures["seconds_saved_by_cache"] == pytest.approx(21 * 50 / 5 - 20 - 5 * 0.5)
    assert (figures["best"], figures["trials_complete"], figures["trials_fail"]) == (0.75, 4, 1)
    text = summary(figures)
    assert "saved: about 30 s by pruning, 3 min by the feature cache (of a worker's time)" in text
    assert text.startswith("what mattered: ")


def test_what_the_cache_saved_is_not_told_where_nobody_knows_what_it_cost(project):
    """All was there from the start: another sweep had computed it."""
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    trial = sweep.study.ask()
    suggest(trial, tune_params().space)
    trial.report(0.5, 1)
    trial.set_user_attr("cache", {"computed": 0, "reused": 100, "seconds": 0.5, "an_epoch": 50})
    sweep.study.tell(trial, 0.5)
    figures = figures_of(sweep.study, epochs=1)
    assert "seconds_saved_by_cache" not in figures
    assert summary(figures) == ""


def test_the_end_is_written_as_table_fragment_and_figures(sweep, tmp_path):
    write(sweep.study, tune_params(), figures_of(sweep.study, 4), tmp_path / "tune")
    best = yaml.safe_load((tmp_path / "tune/best.yaml").read_text())["train"]
    rows = read_trials(tmp_path / "tune", list(tune_params().space))
    assert [row.state for row in rows] == ["complete"] * 3 + ["pruned", "fail", "complete"]
    assert float(rows[5].params["dropout"]) == best["dropout"]
    assert rows[4].reason == "out of memory"
    assert read_json(tmp_path / "tune/summary.json")["best"] == 0.75
    names = {path.stem for path in (tmp_path / "tune/figures").glob("*.png")}
    assert names == {"history", "importance", "slice", "parallel", "learning_curves"}


def test_figures_are_drawn_in_the_projects_look_and_optunas_is_left_alone(sweep, tmp_path):
    """White ground, where Optuna would draw on grey."""
    optunas = style.library["ggplot"]
    write(sweep.study, tune_params(), figures_of(sweep.study, 4), tmp_path)
    for file in (tmp_path / "figures").glob("*.png"):
        white = (np.asarray(Image.open(file).convert("RGB")) == 255).all(axis=2).mean()
        assert white > 0.6, file.name
    assert style.library["ggplot"] is optunas
