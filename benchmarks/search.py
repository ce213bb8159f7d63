"""The sweep of `src/tune.py` against random search without pruning in the same time; pruners on the same curves."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scene import PROJECT, Scene

TRIALS, JOBS = 30, "2"
ORDERS = 100
"""Random orders of the recorded curves, in which each pruner meets them."""


def measure(archive: Path, count: int) -> dict[str, Any]:
    """What thirty trials find and cost, what random search finds meanwhile, and what each pruner would have stopped.

    `count` is not used: a sweep of an hour is run once.
    """
    scene = Scene("search", archive, "native", {})
    scene.prepared()
    scene.forget("sweeps")
    seconds, _ = scene.run(PROJECT / "src/tune.py", "--trials", str(TRIALS), "--jobs", JOBS, "--study", "default")
    swept = _trials(scene.folder)
    print(f"  {TRIALS} trials in {seconds:.0f} s, best {_best(swept)}", flush=True)
    scene.set({"tune.sampler": "random", "tune.pruner": "none"})
    _run_for(scene, seconds)
    os.chdir(scene.folder)
    from realfake.params import load_params
    from realfake.sweep.report import figures_of
    from realfake.sweep.search import values_of
    from realfake.sweep.study import Sweep

    params = load_params(scene.folder / "params.yaml")
    studies = {name: _open(Sweep(None, name)) for name in ("default", "random")}
    random = [trial for trial in studies["random"].get_trials() if trial.value is not None]
    curves = [[trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)] for trial in random]
    best = studies["default"].best_trial
    return {
        "seconds": seconds,
        "fraction": params.tune.fraction,
        "epochs": params.train.epochs,
        "default": swept,
        "figures": figures_of(studies["default"], params.train.epochs),
        "best": {"trial": best.number, "value": best.value, **values_of(best)},
        "random": [{"value": trial.value, "curve": curve} for trial, curve in zip(random, curves, strict=True)],
        "pruners": {
            name: simulate(make, curves, params.tune.startup_trials) for name, make in _pruners(params).items()
        },
    }


def _run_for(scene: Scene, seconds: float) -> None:
    """Random search for a time, then a kill: the trial in flight does not count, and its worker ends by itself."""
    command = [sys.executable, str(PROJECT / "src/tune.py"), "--trials", "999", "--jobs", JOBS, "--study", "random"]
    with (scene.folder / "random.log").open("w") as log:
        sweep = subprocess.Popen(command, cwd=scene.folder, stdout=log, stderr=log)
    end = time.monotonic() + seconds
    while time.monotonic() < end and sweep.poll() is None:
        time.sleep(1)
    sweep.kill()
    sweep.wait()


def _trials(folder: Path) -> list[dict[str, Any]]:
    with (folder / "outputs/tune/trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    wanted = ("state", "value", "epochs", "seconds", "memory_mb")
    return [{name: row[name] if name == "state" else float(row[name] or "nan") for name in wanted} for row in rows]


def _best(trials: Sequence[Mapping[str, Any]]) -> float:
    return max(trial["value"] for trial in trials if trial["state"] == "complete")


def _open(sweep: Any) -> Any:
    import optuna

    return optuna.load_study(study_name=sweep.name, storage=sweep._storage)


def _pruners(params: Any) -> dict[str, Callable[[], Any]]:
    """Those of `tune.pruner`, and Hyperband, which shares the trials among brackets."""
    import optuna

    from realfake.sweep.search import pruner

    ours = {
        name: lambda name=name: pruner(params.tune.model_copy(update={"pruner": name}), params.train.epochs)
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
