"""One worker of a sweep: claims trial after trial, trains them, and leaves nothing in flight when asked to stop."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from realfake.config.schema import Params
from realfake.core.errors import UserError
from realfake.sweep.heartbeat import Worker, beating
from realfake.sweep.mlflow_runs import SweepRuns, sweep_runs
from realfake.sweep.storage import answering
from realfake.sweep.study import Sweep, identity
from realfake.sweep.trial_run import TrialRun
from realfake.sweep.trials import Experiment, part_of

if TYPE_CHECKING:
    from realfake.feature_cache.source import LabelledPictures

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


def serve(
    order: Order, params: Params, data: "tuple[LabelledPictures, LabelledPictures]", orphaned: Callable[[], bool]
) -> None:
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
                reason = TrialRun(sweep, experiment, runs, trial, orphaned).run()
            _forget_networks()
            crashes = crashes + 1 if reason else 0
            if crashes == GIVE_UP:
                raise UserError(f"{GIVE_UP} trials failed in a row, so the sweep stops; the last one: {reason}")


def _forget_networks() -> None:
    """Free what finished trials leave: TensorFlow keeps every custom gradient that was traced, and with it the graph.

    That is 75 MB for a ResNet-20. There is no public way to it; tests/sweep/test_worker.py watches this one.
    """
    from tensorflow.python.framework import ops

    registered = ops.gradient_registry._registry
    for name in [name for name in registered if name.startswith("CustomGradient-")]:
        del registered[name]
    gc.collect()  # networks hold themselves in circles
