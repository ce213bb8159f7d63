"""One worker of a sweep: claims trial after trial, trains them, and leaves nothing in flight when asked to stop."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from realfake.errors import UserError, one_line
from realfake.params import Params
from realfake.sweep.liveness import Worker, beating
from realfake.sweep.runs import SweepRuns, sweep_runs
from realfake.sweep.search import Experiment, Outcome, part_of, run_trial, suggest
from realfake.sweep.study import Sweep, identity

if TYPE_CHECKING:
    from optuna import Trial

    from realfake.training import EpochResult, EpochTiming
    from realfake.trunk_features import Arrays, TrunkUse

POLL = 2.0
"""Seconds until a worker without work looks again: a trial in flight may come to nothing."""
GIVE_UP = 5
"""This many failed trials in a row, and the sweep itself is at fault."""


@dataclass(frozen=True)
class Order:
    """What a worker is asked to do."""

    study: str
    storage: str | None
    """An SQLAlchemy URL; None is the checkout's journal file."""
    trials: int
    """Finished trials in the study altogether."""
    data: str
    """Digest of the prepared pictures."""
    code: Mapping[str, str] = field(default_factory=dict)
    """Tags that tell the commit."""


class Orphaned(Exception):
    """Whoever started this worker is gone."""


def serve(order: Order, params: Params, data: "tuple[Arrays, Arrays]", orphaned: Callable[[], bool]) -> None:
    """Be a worker of the study that an order names, from opening it to its last trial.

    Args:
        order: what to do.
        params: all parameters; `tune.metric` as the user chose it.
        data: train in whole, and val.
        orphaned: whether the program that started this worker is gone; then the worker ends.

    Raises:
        UserError: the study is of other parameters, or one trial after the other fails.
    """
    from realfake.quiet import import_keras

    import_keras()
    train, val = data
    part = part_of(train, params.tune.fraction, params.tune.seed)
    sweep = Sweep(order.storage, order.study)
    sweep.begin(params.tune, identity(params.train, params.tune, order.data))
    with sweep_runs(params.tracking.experiment, sweep, {}, order.data, order.code) as runs:
        work(sweep, Experiment(params.train, params.tune, (part, val)), runs, order.trials, orphaned)


def work(
    sweep: Sweep, experiment: Experiment, runs: SweepRuns, wanted: int, orphaned: Callable[[], bool] = lambda: False
) -> None:
    """Run trials until `wanted` of the study are finished; for the other arguments see `serve`."""
    worker = Worker()
    while not orphaned():
        _stop_when_all_fail(sweep)
        trial = sweep.claim(worker.mark, experiment.tune, wanted, experiment.train.epochs)
        if trial is None:
            if sweep.counts().finished >= wanted:
                return
            time.sleep(POLL)
            continue
        with beating(lambda trial=trial: sweep.beat(trial)):  # type: ignore[misc]
            _run(sweep, experiment, runs, trial, orphaned)
        gc.collect()  # networks hold themselves in circles


def _run(sweep: Sweep, experiment: Experiment, runs: SweepRuns, trial: "Trial", orphaned: Callable[[], bool]) -> None:
    from optuna import TrialPruned
    from optuna.trial import TrialState

    run = None
    started = time.perf_counter()

    def end(state: str, value: float | None = None) -> None:
        runs.end(run, state, value, time.perf_counter() - started)

    try:
        values = suggest(trial, experiment.tune.space)
        run = runs.begin(trial, experiment.train, values)

        def on_epoch(result: "EpochResult", timing: "EpochTiming", cache: "TrunkUse | None") -> None:
            trial.report(result[experiment.tune.metric], result["epoch"])
            runs.epoch(run, {**result, **timing})
            _note(trial, experiment, timing, cache)
            if orphaned():
                raise Orphaned
            poor = trial.should_prune()  # asked of every trial: halving compares with those that it was asked about
            if poor and trial.number >= experiment.tune.startup_trials:
                raise TrialPruned

        outcome = run_trial(experiment, values, on_epoch)
        sweep.study.tell(trial, outcome.value)
        _keep_best(sweep, runs, trial, outcome)
        end("completed", outcome.value)
    except TrialPruned:
        sweep.study.tell(trial, state=TrialState.PRUNED)
        end("pruned")
    except (KeyboardInterrupt, SystemExit, Orphaned) as stopped:
        sweep.fail(trial.number, "interrupted", retry=True)
        end("interrupted")
        if not isinstance(stopped, Orphaned):
            raise
    except Exception as error:  # out of memory, a loss that is no number, a bad picture: the sweep goes on
        sweep.fail(trial.number, one_line(error))
        end("failed")


def _note(trial: "Trial", experiment: Experiment, timing: "EpochTiming", cache: "TrunkUse | None") -> None:
    """What the report needs to tell what pruning and the trunk cache saved, and whether memory grows."""
    import psutil

    trial.set_user_attr("epoch_seconds", timing["epoch_seconds"])
    trial.set_user_attr("memory_mb", psutil.Process().memory_info().rss // 10**6)
    if cache is not None:
        pictures = sum(len(labels) for _, labels in experiment.data)
        use = {"computed": cache.computed, "reused": cache.reused, "seconds": cache.seconds, "an_epoch": pictures}
        trial.set_user_attr("cache", use)


def _keep_best(sweep: Sweep, runs: SweepRuns, trial: "Trial", outcome: Outcome) -> None:
    """Keep the network of the best trial so far, and of no other."""
    from realfake.network import save_network

    with sweep.alone():
        best = sweep.study.best_trial
        if best.number != trial.number:
            return
        with TemporaryDirectory() as folder:
            save_network(outcome.network, Path(folder, "model.keras"))
            runs.keep_model(best.user_attrs["mlflow_run"], Path(folder, "model.keras"))


def _stop_when_all_fail(sweep: Sweep) -> None:
    from optuna.trial import TrialState

    over = [t for t in sweep.study.get_trials(deepcopy=False) if t.state.is_finished()][-GIVE_UP:]
    reasons: list[Any] = [t.user_attrs.get("reason", "") for t in over]
    if len(over) == GIVE_UP and all(t.state == TrialState.FAIL for t in over) and "interrupted" not in reasons:
        raise UserError(f"the last {GIVE_UP} trials failed, so the sweep stops; the last one: {reasons[-1]}")
