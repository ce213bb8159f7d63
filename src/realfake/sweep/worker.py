"""One worker of a sweep: claims trial after trial, trains them, and leaves nothing in flight when asked to stop."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from realfake.config.schema import Params
from realfake.core.errors import UserError, one_line
from realfake.sweep.heartbeat import Worker, beating
from realfake.sweep.mlflow_runs import SweepRuns, sweep_runs
from realfake.sweep.study import Sweep, answering, identity
from realfake.sweep.trials import Experiment, Outcome, part_of, run_trial, suggest

if TYPE_CHECKING:
    from optuna import Trial

    from realfake.feature_cache.features import Arrays, CacheUse
    from realfake.training.loop import EpochResult, EpochTiming

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
    from realfake.core.native_output import import_keras

    import_keras()
    train, val = data
    part = part_of(train, params.tune.fraction, params.tune.seed)
    sweep = Sweep(order.storage, order.study)
    with answering(order.study):
        sweep.begin(params.tune, identity(params.train, params.tune, order.data))
        with sweep_runs(params.tracking.experiment, sweep, {}, order.data, order.code) as runs:
            work(sweep, Experiment(params.train, params.tune, (part, val)), runs, order.trials, orphaned)


def work(
    sweep: Sweep, experiment: Experiment, runs: SweepRuns, wanted: int, orphaned: Callable[[], bool] = lambda: False
) -> None:
    """Run trials until `wanted` of the study are finished; for the other arguments see `serve`."""
    crashes = 0
    with Worker() as worker:
        while not orphaned():
            trial = sweep.claim(worker.mark, experiment.tune, wanted, experiment.train.epochs)
            if trial is None:
                if sweep.counts().finished >= wanted:
                    return
                time.sleep(POLL)
                continue
            with beating(partial(sweep.beat, trial)):
                reason = _run(sweep, experiment, runs, trial, orphaned)
            _forget_networks()
            crashes = crashes + 1 if reason else 0
            if crashes == GIVE_UP:
                raise UserError(f"{GIVE_UP} trials failed in a row, so the sweep stops; the last one: {reason}")


def _run(
    sweep: Sweep, experiment: Experiment, runs: SweepRuns, trial: "Trial", orphaned: Callable[[], bool]
) -> str | None:
    """Run one trial; returns why it crashed, None if it did not."""
    from optuna import TrialPruned
    from optuna.exceptions import StorageInternalError
    from optuna.trial import TrialState

    run = None
    started = time.perf_counter()

    def end(state: str, value: float | None = None, reason: str = "") -> None:
        runs.end(run, state, time.perf_counter() - started, value, reason)

    try:
        values = suggest(trial, experiment.tune.space)
        run = runs.begin(trial, experiment.train, values)

        def on_epoch(result: "EpochResult", timing: "EpochTiming", cache: "CacheUse | None") -> None:
            trial.report(result[experiment.tune.metric], result["epoch"])
            runs.epoch(run, {**result, **timing})
            _note(trial, experiment, timing, cache)
            if orphaned():
                raise Orphaned
            poor = trial.should_prune()  # asked of every trial: halving compares with those that it was asked about
            if poor and trial.number >= experiment.tune.startup_trials:
                raise TrialPruned

        outcome = run_trial(experiment, values, on_epoch)
        _finish(sweep, runs, run, trial, outcome)
        end("completed", outcome.value)
        runs.keep_only_best(sweep)
    except TrialPruned:
        sweep.study.tell(trial, state=TrialState.PRUNED)
        end("pruned")
    except (KeyboardInterrupt, SystemExit, Orphaned) as stopped:
        if sweep.fail(trial.number, "interrupted", retry=True):
            end("interrupted", reason="interrupted")
        if not isinstance(stopped, Orphaned):
            raise
    except StorageInternalError:  # nothing can be recorded: others will see that this worker is gone
        raise
    except Exception as error:  # out of memory, a loss that is no number, a bad picture: the sweep goes on
        if sweep.fail(trial.number, one_line(error)):  # otherwise it was finished; `bury` closes its run as what it is
            end("failed", reason=one_line(error))
        return one_line(error)
    return None


def _forget_networks() -> None:
    """Free what finished trials leave: TensorFlow keeps every custom gradient that was traced, and with it the graph.

    That is 75 MB for a ResNet-20. There is no public way to it; tests/test_sweep_worker.py watches this one.
    """
    from tensorflow.python.framework import ops

    registered = ops.gradient_registry._registry
    for name in [name for name in registered if name.startswith("CustomGradient-")]:
        del registered[name]
    gc.collect()  # networks hold themselves in circles


def _note(trial: "Trial", experiment: Experiment, timing: "EpochTiming", cache: "CacheUse | None") -> None:
    """What the report needs to tell what pruning and the feature cache saved, and whether memory grows."""
    import psutil

    trial.set_user_attr("epoch_seconds", timing["epoch_seconds"])
    trial.set_user_attr("memory_mb", psutil.Process().memory_info().rss // 10**6)
    if cache is not None:
        pictures = sum(len(labels) for _, labels in experiment.data)
        use = {"computed": cache.computed, "reused": cache.reused, "seconds": cache.seconds, "an_epoch": pictures}
        trial.set_user_attr("cache", use)


def _finish(sweep: Sweep, runs: SweepRuns, run: str, trial: "Trial", outcome: Outcome) -> None:
    """Record a trial's value, and keep the network of the best trial so far, and of no other.

    The network first: a kill between the two leaves a trial that is tried again, not one whose network is lost.
    """
    from realfake.models.saving import save_network

    with sweep.alone():
        if sweep.would_be_best(outcome.value):
            with TemporaryDirectory() as folder:
                save_network(outcome.network, Path(folder, "model.keras"))
                runs.keep_model(run, Path(folder, "model.keras"))
        sweep.study.tell(trial, outcome.value)
