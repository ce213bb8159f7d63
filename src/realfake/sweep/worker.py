"""Run one worker of a sweep: claim and train trials one after the other, and give a trial back when asked to stop."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from realfake.config.schema import Params
from realfake.core.errors import UserError
from realfake.sweep.heartbeat import Worker, send_heartbeats
from realfake.sweep.mlflow_runs import SweepRuns, sweep_runs
from realfake.sweep.storage import explain_storage_errors
from realfake.sweep.study import Sweep, study_identity
from realfake.sweep.trial_run import TrialRun
from realfake.sweep.trials import Experiment, stratified_part

if TYPE_CHECKING:
    from realfake.feature_cache.source import LabelledPictures

POLL_SECONDS = 2.0
"""Seconds that a worker without a trial waits before it asks again; a running trial may fail and be retried."""
MAX_FAILURES_IN_A_ROW = 5
"""Number of failed trials in a row after which a worker stops, as the cause lies in the sweep itself."""


@dataclass(frozen=True)
class Order:
    """What a worker has to do; can be sent to other processes as JSON."""

    study: str
    """Name of the study."""
    storage: str | None
    """SQLAlchemy URL of a database; None: a journal file of this checkout."""
    trials: int
    """Number of finished trials that the study has at the end."""
    data: str
    """Digest of the prepared pictures."""
    code: Mapping[str, str] = field(default_factory=dict)
    """Tags of MLflow runs with the commit."""


def run_worker(
    order: Order, params: Params, data: "tuple[LabelledPictures, LabelledPictures]", orphaned: Callable[[], bool]
) -> None:
    """Open the study that an order names, and run its trials until it has enough of them.

    Args:
        order: what to do.
        params: all parameters; `tune.metric` is the user's choice.
        data: pictures and labels of all of train, and of val.
        orphaned: returns whether the program that started this worker has ended; then the worker ends too.

    Raises:
        UserError: the study was started with other parameters, or too many trials fail in a row.
    """
    from realfake.core.native_output import import_keras

    import_keras()
    train, val = data
    part = stratified_part(train, params.tune.fraction, params.tune.seed)
    sweep = Sweep(order.storage, order.study)
    with explain_storage_errors(order.study):
        sweep.begin(params.tune, study_identity(params.train, params.tune, order.data))
        with sweep_runs(params.tracking.experiment, sweep, {}, order.data, order.code) as runs:
            run_trials(sweep, Experiment(params.train, params.tune, (part, val)), runs, order.trials, orphaned)


def run_trials(
    sweep: Sweep, experiment: Experiment, runs: SweepRuns, wanted: int, orphaned: Callable[[], bool] = lambda: False
) -> None:
    """Run trials until `wanted` trials of the study are finished.

    Args:
        sweep: the study, already begun.
        experiment: parameters, search space and pictures of the sweep.
        runs: MLflow runs of the study.
        wanted: number of finished trials that the study has at the end.
        orphaned: see `run_worker`.

    Raises:
        UserError: MAX_FAILURES_IN_A_ROW trials failed one after the other.
    """
    failures = 0
    with Worker() as worker:
        while not orphaned():
            trial = sweep.claim(worker.mark, experiment.tune, wanted, experiment.train.epochs)
            if trial is None:
                if sweep.counts().finished >= wanted:
                    return
                time.sleep(POLL_SECONDS)
                continue
            with send_heartbeats(partial(sweep.send_heartbeat, trial)):
                reason = TrialRun(sweep, experiment, runs, trial, orphaned).run()
            _free_networks()
            failures = failures + 1 if reason else 0
            if failures == MAX_FAILURES_IN_A_ROW:
                raise UserError(
                    f"{MAX_FAILURES_IN_A_ROW} trials failed in a row, so the sweep stops; the last one: {reason}"
                )


def _free_networks() -> None:
    """Free the networks of finished trials: TensorFlow keeps each traced custom gradient, and with it the whole graph.

    That is 75 MB for a ResNet-20. There is no public function for it; tests/sweep/test_worker.py tests this one.
    """
    from tensorflow.python.framework import ops

    registered = ops.gradient_registry._registry
    for name in [name for name in registered if name.startswith("CustomGradient-")]:
        del registered[name]
    gc.collect()  # networks have reference cycles
