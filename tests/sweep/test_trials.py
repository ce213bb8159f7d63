"""Suggested parameters lie in the search space, repeat with the seed, and are trained with as in any training."""

import numpy as np
import optuna
import pytest
from conftest import toy_pictures
from sweeping import tune_params

from realfake.config.schema import with_values
from realfake.config.tool_schema import Choices, TuneParams
from realfake.sweep.trials import (
    Experiment,
    make_pruner,
    make_sampler,
    run_trial,
    stratified_part,
    study_direction,
    suggest,
)


def suggestions(tune: TuneParams, count: int) -> list[dict]:
    """Return the parameters of the first trials of a study whose objective is best for a dropout of 0.3."""
    study = optuna.create_study(direction=study_direction(tune))
    found = []
    for number in range(count):
        study.sampler = make_sampler(tune, number)
        trial = study.ask()
        found.append(suggest(trial, tune.space))
        study.tell(trial, 1 - abs(found[-1]["dropout"] - 0.3))
    return found


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_suggestions_lie_in_the_space_and_repeat_with_the_seed(name):
    tune = tune_params(sampler=name)
    found = suggestions(tune, 12)
    assert found == suggestions(tune, 12)
    assert found != suggestions(tune_params(sampler=name, seed=1), 12)
    for values in found:
        assert 0 <= values["dropout"] <= 0.6
        assert 1e-4 <= values["optimizer.learning_rate"] <= 1e-2
        assert values["seed"] in range(1001)
        assert values["augmentation.strength"] in (0.0, 0.4)
    assert len({values["dropout"] for values in found}) > 10


def test_tpe_comes_closer_to_the_best_value_than_random_search():
    distance = {
        name: np.mean([abs(v["dropout"] - 0.3) for v in suggestions(tune_params(sampler=name), 40)[20:]])
        for name in ("tpe", "random")
    }
    assert distance["tpe"] < distance["random"]


def test_loss_is_minimised():
    assert [study_direction(tune_params(metric=m)) for m in ("val_accuracy", "val_auc", "val_loss")] == [
        "maximize",
        "maximize",
        "minimize",
    ]


@pytest.mark.parametrize(("name", "stops"), [("none", False), ("median", True), ("halving", True)])
def test_a_poor_trial_is_pruned_from_half_of_its_epochs_on(name, stops):
    tune = tune_params(pruner=name)
    study = optuna.create_study(direction="maximize", pruner=make_pruner(tune, epochs=8))
    for value in (0.9, 0.8, 0.85, 0.95, 0.88, 0.9):
        trial = study.ask()
        for epoch in range(1, 9):
            trial.report(value, epoch)
            trial.should_prune()
        study.tell(trial, value)
    trial = study.ask()
    for epoch in range(1, 4):
        trial.report(0.1, epoch)
        assert not trial.should_prune(), "half of the epochs are not trained yet"
    trial.report(0.5, 4)
    assert trial.should_prune() == stops


def test_a_part_of_the_data_is_stratified_and_seeded():
    pictures, labels = toy_pictures(64, seed=0)
    labels[:16] = 1
    part, part_labels = stratified_part((pictures, labels), 0.25, seed=1)
    assert np.bincount(part_labels).tolist() == [round(count / 4) for count in np.bincount(labels)]
    again, _ = stratified_part((pictures, labels), 0.25, seed=1)
    other, _ = stratified_part((pictures, labels), 0.25, seed=2)
    assert np.array_equal(part, again)
    assert not np.array_equal(part, other)


def test_a_trial_is_trained_with_the_suggested_values(train_params):
    tune = tune_params(metric="val_loss")
    experiment = Experiment(train_params, tune, (toy_pictures(64, seed=0), toy_pictures(32, seed=1)))
    epochs = []
    values = {"dropout": 0.1, "optimizer.learning_rate": 0.01}
    outcome = run_trial(experiment, values, lambda *seen: epochs.append(seen))
    results, _, uses = zip(*epochs, strict=True)
    assert [result.epoch for result in results] == [1, 2]
    assert uses == (None, None), "a network without frozen layers has no feature cache"
    assert outcome.value in [result.val_loss for result in results]
    assert outcome.network.get_layer("dropout").rate == 0.1
    assert with_values(train_params, values).optimizer.learning_rate == 0.01


def test_all_depths_share_the_layers_that_are_frozen_in_each(train_params):
    data = (toy_pictures(8, seed=0), toy_pictures(8, seed=1))
    for choices, expected in ([0, 7, 14], 14), ([0, 7, "all"], 7), (["all"], None):
        space = {"unfreeze": Choices(choices=choices)}
        assert Experiment(train_params, tune_params(space=space), data).depth == expected
    assert Experiment(train_params, tune_params(), data).depth is None


@pytest.mark.slow
def test_trials_of_all_depths_share_the_features_of_the_frozen_layers(project, train_params):
    """The first trial computes them, the others read them; a trial that trains all layers has no frozen layers."""
    tune = tune_params(space={"unfreeze": Choices(choices=[0, 7, "all"])})
    experiment = Experiment(
        train_params.model_copy(
            update={"augmentation": train_params.augmentation.model_copy(update={"strength": 0.0})}
        ),
        tune,
        (toy_pictures(64, seed=0), toy_pictures(32, seed=1)),
    )
    seen = {}
    for depth in (0, 7, "all"):
        run_trial(experiment, {"unfreeze": depth}, lambda result, timing, cache, d=depth: seen.setdefault(d, cache))
    assert (seen[0].computed, seen[0].reused) == (96, 0)
    assert (seen[7].computed, seen[7].reused) == (0, 96)
    assert seen["all"] is None
