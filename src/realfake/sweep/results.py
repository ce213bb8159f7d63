"""Write the results of a sweep: metrics, table of trials, figures, and the best parameters as a part of params.yaml."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.config.editing import dump_values
from realfake.config.tool_schema import TuneParams
from realfake.core.files import atomic_file, atomic_folder
from realfake.core.json_files import write_json
from realfake.core.plot_style import BLUE, GREY, project_style
from realfake.sweep.progress import duration
from realfake.sweep.trial_table import write_trials
from realfake.sweep.trials import trial_values

if TYPE_CHECKING:
    from optuna import Study
    from optuna.importance import BaseImportanceEvaluator
    from optuna.trial import FrozenTrial

BEST_FILE = "best.yaml"
"""Name of the file with the best parameters, as a part of params.yaml."""
SUMMARY_FILE = "summary.json"
"""Name of the file with the metrics of the sweep."""
MIN_TRIALS = 4
"""Number of completed trials from which on parameter importances are computed."""
OPTUNA_ERRORS = (ValueError, RuntimeError, ZeroDivisionError)
"""Errors that Optuna raises where trials are too few, or all have the same value."""
PARALLEL_STYLE: Any = {"axes.grid": False, "axes.spines.right": True}
"""Matplotlib settings of the parallel coordinates figure: its axes are visible, and no grid crosses the trials."""


def sweep_metrics(study: "Study", epochs: int) -> dict[str, float]:
    """Compute the metrics of a study: trials by state, best value, parameter importances, and seconds saved.

    Pruning saves the epochs that pruned trials did not train, each as long as the trial's last epoch. The feature cache
    saves the time to compute the features of all pictures in each epoch, less the time to compute them once.

    Args:
        study: a study with at least one completed trial.
        epochs: number of epochs of a trial that is not pruned.

    Returns:
        Values by name; `importance/PARAMETER` only where importances can be computed.
    """
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    metrics = {f"trials_{state.name.lower()}": float(sum(t.state == state for t in trials)) for state in TrialState}
    pruned = [t for t in trials if t.state == TrialState.PRUNED and t.intermediate_values]
    saved = [(epochs - max(t.intermediate_values)) * float(t.user_attrs.get("epoch_seconds", 0)) for t in pruned]
    metrics |= {"best": study.best_value, "seconds_saved_by_pruning": sum(saved)}
    cached = _saved_by_cache(trials)
    metrics |= {} if cached is None else {"seconds_saved_by_cache": cached}
    return metrics | {f"importance/{name}": value for name, value in _importances(study).items()}


def _saved_by_cache(trials: Sequence["FrozenTrial"]) -> float | None:
    """Estimate the seconds that the feature cache saved.

    Returns:
        None without a cache, or where an earlier sweep had filled it, so that the time per picture is unknown.
    """
    uses = [(t.user_attrs["cache"], max(t.intermediate_values)) for t in trials if "cache" in t.user_attrs]
    computed = sum(use["computed"] for use, _ in uses)
    if not computed:
        return None
    rate = sum(use["seconds"] for use, _ in uses if use["computed"]) / computed
    return float(rate * sum(use["an_epoch"] * epochs for use, epochs in uses) - sum(use["seconds"] for use, _ in uses))


def _importances(study: "Study") -> dict[str, float]:
    """Return the share of the objective's variance that each parameter explains (fANOVA, Hutter et al. 2014).

    Returns:
        Importances in [0, 1] by parameter; empty for fewer than MIN_TRIALS completed trials or equal values.
    """
    import optuna

    if len(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))) < MIN_TRIALS:
        return {}
    with suppress(*OPTUNA_ERRORS):
        return dict(optuna.importance.get_param_importances(study, evaluator=_evaluator()))
    return {}


def _evaluator() -> "BaseImportanceEvaluator":
    """Return the fANOVA evaluator. Optuna's default looks at the best tenth: of 30 trials, half of them pruned, one."""
    from optuna.importance import FanovaImportanceEvaluator

    return FanovaImportanceEvaluator(seed=0)


def summarise(metrics: Mapping[str, float]) -> str:
    """Return up to two lines: the parameter importances, and the time saved by pruning and by the feature cache."""
    parts = [f"{name.partition('/')[2]} {value:.0%}" for name, value in metrics.items() if "importance/" in name]
    lines = [f"importance: {', '.join(parts)}"] if parts else []
    names = {"seconds_saved_by_pruning": "pruning", "seconds_saved_by_cache": "the feature cache"}
    saved = [f"{duration(metrics[key])} by {label}" for key, label in names.items() if metrics.get(key, 0) > 0]
    return "\n".join([*lines, *([f"saved: about {', '.join(saved)} (of the workers' time)"] if saved else [])])


def write_results(study: "Study", tune: TuneParams, metrics: Mapping[str, float], folder: Path) -> None:
    """Write best.yaml, summary.json, trials.csv and the figures into a folder.

    Args:
        study: a study with at least one completed trial.
        tune: its metric and search space.
        metrics: what `sweep_metrics` returned.
        folder: created if it does not exist.
    """
    with atomic_file(folder / BEST_FILE) as file:
        file.write(f"# trial {study.best_trial.number}: {tune.metric} {study.best_value:.4f}\n".encode())
        file.write(dump_values(trial_values(study.best_trial)).encode())
    write_json(folder / SUMMARY_FILE, metrics)
    write_trials(study, list(tune.space), folder)
    has_importance = any(name.startswith("importance/") for name in metrics)
    _draw(study, has_importance, folder / "figures")


def _draw(study: "Study", has_importance: bool, folder: Path) -> None:
    """Draw Optuna's figures in the project's style; the one of importances only where they can be computed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna.visualization import matplotlib as draw

    importance = {"importance": partial(draw.plot_param_importances, evaluator=_evaluator())}
    drawings: Mapping[str, Callable[[Any], Any]] = {
        "history": draw.plot_optimization_history,
        **(importance if has_importance else {}),
        "slice": draw.plot_slice,
        "parallel": draw.plot_parallel_coordinate,
        "learning_curves": draw.plot_intermediate_values,
    }
    with (
        _style_in_place_of_optunas(),
        warnings.catch_warnings(action="ignore", category=UserWarning),  # about axes whose limits are equal
        matplotlib.rc_context({"figure.figsize": (9, 5)}),
        atomic_folder(folder) as made,
    ):
        for name, drawing in drawings.items():
            with suppress(*OPTUNA_ERRORS), matplotlib.rc_context(PARALLEL_STYLE if name == "parallel" else None):
                drawing(study)
                if name == "learning_curves":
                    _highlight_curve(pyplot.gca(), f"Trial{study.best_trial.number}")
                with (made / f"{name}.png").open("wb") as file:  # tight: parameter names reach beyond the axes
                    pyplot.savefig(file, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
            pyplot.close("all")


@contextmanager
def _style_in_place_of_optunas() -> Iterator[None]:
    """Use the project's style while the block runs; each of Optuna's functions would select matplotlib's `ggplot`."""
    from matplotlib import style

    original = style.library["ggplot"]
    style.library["ggplot"] = type(original)()
    try:
        with project_style():
            yield
    finally:
        style.library["ggplot"] = original


def _highlight_curve(axes: Any, name: str) -> None:
    """Draw one curve blue and all others pale grey, in place of Optuna's many colours and long legend."""
    for curve in axes.get_lines():
        best = curve.get_label() == name
        curve.set(color=BLUE if best else GREY, alpha=1 if best else 0.4, linewidth=2 if best else 1)
        curve.set_zorder(3 if best else 2)
    if legend := axes.get_legend():
        legend.remove()
    axes.set_title("Learning curves of all trials; blue the best")
