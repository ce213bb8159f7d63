"""A small space to search, and a trial of it, for tests of the sweep."""

from realfake.config.tool_schema import Choices, Range, TuneParams
from realfake.sweep.study import Sweep
from realfake.sweep.trials import suggest

SPACE = {
    "dropout": Range(low=0.0, high=0.6, scale="linear"),
    "optimizer.learning_rate": Range(low=1e-4, high=1e-2, scale="log"),
    "seed": Range(low=0, high=1000, scale="linear"),
    "augmentation.strength": Choices(choices=[0.0, 0.4]),
}


def tune_params(**changes) -> TuneParams:
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
    trial = sweep.claim(worker, tune_params(), wanted, epochs=8)
    if trial is not None:
        suggest(trial, tune_params().space)
    return trial
