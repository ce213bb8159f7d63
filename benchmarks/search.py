"""The sweep of `src/tune.py` against random search without pruning for as many epochs; pruners on the same curves."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import PROJECT, Sandbox

from realfake.config.schema import load_params

TRIALS, JOBS = 30, "2"
ORDERS = 100
"""Random orders of the recorded curves, in which each pruner meets them."""


def measure(archive: Path, count: int) -> dict[str, Any]:
    """What thirty trials find and cost, what random search finds with it, and what each pruner would have stopped.

    Random search trains as many epochs, not as long: a count that no other load on the machine can move. `count` is
    not used: a sweep of an hour is run once.
    """
    sandbox = Sandbox("search", archive, "resnet20", {})
    sandbox.prepare()
    sandbox.clear_cache("sweeps")
    seconds, _ = sandbox.run(PROJECT / "src/tune.py", "--trials", str(TRIALS), "--jobs", JOBS, "--study", "default")
    swept = _trials(sandbox.folder)
    print(f"  {TRIALS} trials in {seconds:.0f} s, best {_best(swept)}", flush=True)
    sandbox.set_params({"tune.sampler": "random", "tune.pruner": "none"})
    epochs = load_params(sandbox.folder / "params.yaml").train.epochs
    fair = round(sum(trial["epochs"] for trial in swept) / epochs)
    sandbox.run(PROJECT / "src/tune.py", "--trials", str(fair), "--jobs", JOBS, "--study", "random")
    return {"seconds": seconds, "default": swept, **_found(sandbox)}


def _found(sandbox: Sandbox) -> dict[str, Any]:
    """What the two studies hold."""
    os.chdir(sandbox.folder)
    from realfake.sweep.results import sweep_metrics
    from realfake.sweep.study import Sweep
    from realfake.sweep.trials import trial_values

    params = load_params(sandbox.folder / "params.yaml")
    studies = {name: _open(Sweep(None, name)) for name in ("default", "random")}
    random = [trial for trial in studies["random"].get_trials() if trial.value is not None]
    curves = [[trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)] for trial in random]
    best = studies["default"].best_trial
    return {
        "fraction": params.tune.fraction,
        "epochs": params.train.epochs,
        "figures": sweep_metrics(studies["default"], params.train.epochs),
        "best": {"trial": best.number, "value": best.value, **trial_values(best)},
        "random": [{"value": trial.value, "curve": curve} for trial, curve in zip(random, curves, strict=True)],
        "pruners": {
            name: simulate(make, curves, params.tune.startup_trials) for name, make in _pruners(params).items()
        },
    }


def _trials(folder: Path) -> list[dict[str, Any]]:
    from realfake.sweep.trial_table import read_trials

    rows = read_trials(folder / "outputs/tune", list(load_params(folder / "params.yaml").tune.space))
    wanted = ("state", "value", "epochs", "seconds", "memory_mb")
    values = ({name: getattr(row, name) for name in wanted} for row in rows)
    return [{name: math.nan if value is None else value for name, value in row.items()} for row in values]


def _best(trials: Sequence[Mapping[str, Any]]) -> float:
    return max(trial["value"] for trial in trials if trial["state"] == "complete")


def _open(sweep: Any) -> Any:
    import optuna

    return optuna.load_study(study_name=sweep.name, storage=sweep._storage)


def _pruners(params: Any) -> dict[str, Callable[[], Any]]:
    """Those of `tune.pruner`, and Hyperband, which shares the trials among brackets."""
    import optuna

    from realfake.sweep.trials import make_pruner

    ours = {
        name: lambda name=name: make_pruner(params.tune.model_copy(update={"pruner": name}), params.train.epochs)
        for name in ("none", "median", "halving")
    }
    return ours | {
        "hyperband, 4 brackets": lambda: optuna.pruners.HyperbandPruner(1, params.train.epochs, reduction_factor=2)
    }


def simulate(make: Callable[[], Any], curves: Sequence[Sequence[float]], startup: int) -> dict[str, float]:
    """Show a pruner recorded trials in many random orders, drawn with replacement.

    Returns:
        Mean part of the epochs that were trained, and the mean loss of the best value found.
    """
    import optuna

    epochs, regrets = [], []
    for order in range(ORDERS):
        chosen = np.random.default_rng(order).integers(len(curves), size=TRIALS)
        study = optuna.create_study(direction="maximize", pruner=make(), study_name=str(order))
        trained, found = 0, []
        for place in chosen:
            trial = study.ask()
            for epoch, value in enumerate(curves[place], start=1):
                trial.report(value, epoch)
                trained += 1
                if trial.should_prune() and trial.number >= startup:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    break
            else:
                found.append(max(curves[place]))
                study.tell(trial, found[-1])
        epochs.append(trained / sum(len(curves[place]) for place in chosen))
        regrets.append(max(max(curves[place]) for place in chosen) - max(found))
    return {"epochs": float(np.mean(epochs)), "regret": float(np.mean(regrets))}
