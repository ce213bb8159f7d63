"""What a sweep found: its figures, the table, the drawings, and the best parameters as a part of params.yaml."""

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
from realfake.sweep.trials import values_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.importance import BaseImportanceEvaluator
    from optuna.trial import FrozenTrial

BEST_FILE, SUMMARY_FILE = "best.yaml", "summary.json"
"""The best parameters as a part of params.yaml; the figures by name."""
FEW = 4
"""Fewer completed trials say nothing about importances."""
NO_IMPORTANCE = (ValueError, RuntimeError, ZeroDivisionError)
"""What Optuna raises for too few trials, or for trials that are all of one value."""
PARALLEL: Any = {"axes.grid": False, "axes.spines.right": True}
"""Of the look in the figure whose axes stand side by side: their lines are seen, and no grid crosses the trials."""


def figures_of(study: "Study", epochs: int) -> dict[str, float]:
    """What stands in the parent's run: trials by state, the best value, importances, and what was saved.

    Seconds saved by pruning are the epochs that pruned trials did not train, each as long as their last one; those
    saved by the feature cache are every epoch's pictures at the rate at which they were computed once, less that once.

    Args:
        study: with a completed trial.
        epochs: of a trial that runs to its end.
    """
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    figures = {f"trials_{state.name.lower()}": float(sum(t.state == state for t in trials)) for state in TrialState}
    pruned = [t for t in trials if t.state == TrialState.PRUNED and t.intermediate_values]
    saved = [(epochs - max(t.intermediate_values)) * float(t.user_attrs.get("epoch_seconds", 0)) for t in pruned]
    figures |= {"best": study.best_value, "seconds_saved_by_pruning": sum(saved)}
    cached = _saved_by_cache(trials)
    figures |= {} if cached is None else {"seconds_saved_by_cache": cached}
    return figures | {f"importance/{name}": value for name, value in _importances(study).items()}


def _saved_by_cache(trials: Sequence["FrozenTrial"]) -> float | None:
    """None without a cache, or where all was there from the start, so that nobody knows what it cost."""
    uses = [(t.user_attrs["cache"], max(t.intermediate_values)) for t in trials if "cache" in t.user_attrs]
    computed = sum(use["computed"] for use, _ in uses)
    if not computed:
        return None
    rate = sum(use["seconds"] for use, _ in uses if use["computed"]) / computed
    return float(rate * sum(use["an_epoch"] * epochs for use, epochs in uses) - sum(use["seconds"] for use, _ in uses))


def _importances(study: "Study") -> dict[str, float]:
    """The part of the results' variance that each parameter explains (fANOVA, Hutter et al. 2014); none if unknown."""
    import optuna

    if len(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))) < FEW:
        return {}
    with suppress(*NO_IMPORTANCE):
        return dict(optuna.importance.get_param_importances(study, evaluator=_evaluator()))
    return {}


def _evaluator() -> "BaseImportanceEvaluator":
    """Not Optuna's default, which looks at the best tenth: of thirty trials, half of them pruned, that is one."""
    from optuna.importance import FanovaImportanceEvaluator

    return FanovaImportanceEvaluator(seed=0)


def summary(figures: Mapping[str, float]) -> str:
    """Two lines: what mattered, and what was saved."""
    parts = [f"{name.partition('/')[2]} {value:.0%}" for name, value in figures.items() if "importance/" in name]
    lines = [f"what mattered: {', '.join(parts)}"] if parts else []
    names = {"seconds_saved_by_pruning": "pruning", "seconds_saved_by_cache": "the feature cache"}
    saved = [f"{duration(figures[key])} by {words}" for key, words in names.items() if figures.get(key, 0) > 0]
    return "\n".join([*lines, *([f"saved: about {', '.join(saved)} (of a worker's time)"] if saved else [])])


def write(study: "Study", tune: TuneParams, figures: Mapping[str, float], folder: Path) -> None:
    """Write best.yaml, summary.json, trials.csv and the figures into a folder."""
    with atomic_file(folder / BEST_FILE) as file:
        file.write(f"# trial {study.best_trial.number}: {tune.metric} {study.best_value:.4f}\n".encode())
        file.write(dump_values(values_of(study.best_trial)).encode())
    write_json(folder / SUMMARY_FILE, figures)
    write_trials(study, list(tune.space), folder)
    known = any(name.startswith("importance/") for name in figures)
    _draw(study, known, folder / "figures")


def _draw(study: "Study", known: bool, folder: Path) -> None:
    """Optuna's own figures in the project's look; that of importances when they are known."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna.visualization import matplotlib as draw

    importance = {"importance": partial(draw.plot_param_importances, evaluator=_evaluator())}
    drawings: Mapping[str, Callable[[Any], Any]] = {
        "history": draw.plot_optimization_history,
        **(importance if known else {}),
        "slice": draw.plot_slice,
        "parallel": draw.plot_parallel_coordinate,
        "learning_curves": draw.plot_intermediate_values,
    }
    with (
        _look_in_place_of_optunas(),
        warnings.catch_warnings(action="ignore", category=UserWarning),  # of axes whose ends are equal
        matplotlib.rc_context({"figure.figsize": (9, 5)}),
        atomic_folder(folder) as made,
    ):
        for name, drawing in drawings.items():
            with suppress(*NO_IMPORTANCE), matplotlib.rc_context(PARALLEL if name == "parallel" else None):
                drawing(study)
                if name == "learning_curves":
                    _one_curve_stands_out(pyplot.gca(), f"Trial{study.best_trial.number}")
                with (made / f"{name}.png").open("wb") as file:  # tight: names of parameters stand far out
                    pyplot.savefig(file, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
            pyplot.close("all")


@contextmanager
def _look_in_place_of_optunas() -> Iterator[None]:
    """The project's look, which Optuna would replace: each of its functions takes matplotlib's style `ggplot`."""
    from matplotlib import style

    theirs = style.library["ggplot"]
    style.library["ggplot"] = type(theirs)()
    try:
        with project_style():
            yield
    finally:
        style.library["ggplot"] = theirs


def _one_curve_stands_out(axes: Any, name: str) -> None:
    """Draw all curves pale but one, in place of thirty colours and a legend of thirty names."""
    for curve in axes.get_lines():
        best = curve.get_label() == name
        curve.set(color=BLUE if best else GREY, alpha=1 if best else 0.4, linewidth=2 if best else 1)
        curve.set_zorder(3 if best else 2)
    if legend := axes.get_legend():
        legend.remove()
    axes.set_title("Learning curves of all trials; blue the best")
