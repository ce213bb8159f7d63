"""A small search space, and fixtures of a sweep to import: experiment, study, MLflow runs and outcome of a trial."""

from collections.abc import Callable

import pytest
from conftest import toy_pictures

from realfake.config.tool_schema import Choices, Range, TuneParams
from realfake.sweep.mlflow_runs import sweep_runs
from realfake.sweep.study import Sweep
from realfake.sweep.trials import Experiment, Outcome, suggest

SPACE = {
    "dropout": Range(low=0.0, high=0.6, scale="linear"),
    "optimizer.learning_rate": Range(low=1e-4, high=1e-2, scale="log"),
    "seed": Range(low=0, high=1000, scale="linear"),
    "augmentation.strength": Choices(choices=[0.0, 0.4]),
}


def tune_params(**changes) -> TuneParams:
    """Return the group tune with some values changed."""
    values = {
        "metric": "val_accuracy",
        "fraction": 1.0,
        "sampler": "tpe",
        "startup_trials": 5,
        "pruner": "halving",
        "seed": 42,
        "space": SPACE,
    }
    return TuneParams(**values | changes)


def claim(sweep: Sweep, worker: dict[str, str], wanted: int = 30):
    """Claim a trial and suggest its parameters; return None when there are enough trials."""
    trial = sweep.claim(worker, tune_params(), wanted, epochs=8)
    if trial is not None:
        suggest(trial, tune_params().space)
    return trial


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


@pytest.fixture(scope="module")
def outcome(train_params) -> Callable[[float], Outcome]:
    """Return a function from a value to the outcome of a trial, with an untrained network."""
    from realfake.models.builder import build_network

    network = build_network(train_params)
    return lambda value: Outcome(value, network)
