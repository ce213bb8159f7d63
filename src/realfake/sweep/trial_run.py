"""Run one trial: choose its parameters, train it, and record the result in the study and in MLflow."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from realfake.core.errors import one_line
from realfake.sweep.mlflow_runs import SweepRuns
from realfake.sweep.study import Sweep
from realfake.sweep.trials import Experiment, Outcome, run_trial, suggest

if TYPE_CHECKING:
    from optuna import Trial

    from realfake.feature_cache.features import CacheUse
    from realfake.training.history import EpochResult, EpochTiming


class Orphaned(Exception):
    """The program that started this worker has ended."""


class TrialRun:
    """A trial in progress.

    Args:
        sweep: the study.
        experiment: parameters, search space and pictures of the sweep.
        runs: MLflow runs of the study.
        trial: the trial, claimed by this worker.
        orphaned: returns whether the program that started this worker has ended; then the trial is given back.
    """

    def __init__(
        self, sweep: Sweep, experiment: Experiment, runs: SweepRuns, trial: "Trial", orphaned: Callable[[], bool]
    ) -> None:
        self._sweep, self._experiment, self._runs = sweep, experiment, runs
        self._trial, self._orphaned = trial, orphaned
        self._run: str | None = None
        self._started = time.perf_counter()

    def run(self) -> str | None:
        """Train the trial and record its end: completed, pruned, failed or given back.

        Returns:
            Why the trial failed; None if it did not.

        Raises:
            KeyboardInterrupt, SystemExit: the worker was asked to stop; the trial has been given back.
            StorageInternalError: the storage does not answer; other workers will find that this one is dead.
        """
        from optuna import TrialPruned
        from optuna.exceptions import StorageInternalError

        try:
            self._train()
        except TrialPruned:
            self._stop_early()
        except (KeyboardInterrupt, SystemExit):
            self._give_back()
            raise
        except Orphaned:
            self._give_back()
        except StorageInternalError:
            raise
        except Exception as error:  # out of memory, a loss of NaN, a bad picture: the sweep continues
            return self._fail(one_line(error))
        return None

    def _train(self) -> None:
        """Suggest parameters, train with them, and record the completed trial."""
        values = suggest(self._trial, self._experiment.tune.space)
        self._run = self._runs.begin_trial(self._trial, self._experiment.train, values)
        outcome = run_trial(self._experiment, values, self._on_epoch)
        self._complete(self._run, outcome)
        self._end("completed", outcome.value)
        self._runs.keep_only_best(self._sweep)

    def _on_epoch(self, result: "EpochResult", timing: "EpochTiming", cache: "CacheUse | None") -> None:
        """Record the metrics of an epoch; end the trial if it is poor or its worker is orphaned.

        Raises:
            Orphaned: the program that started this worker has ended.
            TrialPruned: the trial is poor.
        """
        from optuna import TrialPruned

        assert self._run is not None
        self._trial.report(getattr(result, self._experiment.tune.metric), result.epoch)
        self._runs.log_epoch(self._run, {**asdict(result), **asdict(timing)})
        self._record_costs(timing, cache)
        if self._orphaned():
            raise Orphaned
        poor = self._trial.should_prune()  # asked in every trial: halving compares only trials that it was asked about
        if poor and self._trial.number >= self._experiment.tune.startup_trials:
            raise TrialPruned

    def _record_costs(self, timing: "EpochTiming", cache: "CacheUse | None") -> None:
        """Store seconds, memory and cache use with the trial; results.py computes from them what was saved."""
        import psutil

        self._trial.set_user_attr("epoch_seconds", timing.epoch_seconds)
        self._trial.set_user_attr("memory_mb", psutil.Process().memory_info().rss // 10**6)
        if cache is not None:
            pictures = sum(len(labels) for _, labels in self._experiment.data)
            use = {"computed": cache.computed, "reused": cache.reused, "seconds": cache.seconds, "an_epoch": pictures}
            self._trial.set_user_attr("cache", use)

    def _complete(self, run: str, outcome: Outcome) -> None:
        """Log the network if the trial is the best so far, then record its value.

        In this order a kill between the two leaves a trial that is tried again, not one whose network is lost.
        """
        from realfake.models.saving import save_network

        with self._sweep.locked():
            if self._sweep.would_be_best(outcome.value):
                with TemporaryDirectory() as folder:
                    save_network(outcome.network, Path(folder, "model.keras"))
                    self._runs.keep_model(run, Path(folder, "model.keras"))
            self._sweep.study.tell(self._trial, outcome.value)

    def _stop_early(self) -> None:
        """Record that the trial was pruned."""
        from optuna.trial import TrialState

        self._sweep.study.tell(self._trial, state=TrialState.PRUNED)
        self._end("pruned")

    def _give_back(self) -> None:
        """Mark the trial as interrupted, and queue its parameters for another worker."""
        if self._sweep.fail(self._trial.number, "interrupted", retry=True):
            self._end("interrupted", reason="interrupted")

    def _fail(self, reason: str) -> str:
        """Record that the trial failed; if it is finished already, `close_lost` closes its run."""
        if self._sweep.fail(self._trial.number, reason):
            self._end("failed", reason=reason)
        return reason

    def _end(self, state: str, value: float | None = None, reason: str = "") -> None:
        self._runs.end_trial(self._run, state, time.perf_counter() - self._started, value, reason)
