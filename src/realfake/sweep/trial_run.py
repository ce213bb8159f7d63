"""One trial from its proposal to its end: trained, told to the study and to MLflow, whatever it comes to."""

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

    from realfake.feature_cache.features import TrunkUse
    from realfake.training.history import EpochResult, EpochTiming


class Orphaned(Exception):
    """Whoever started this worker is gone."""


class TrialRun:
    """A trial under way.

    Args:
        sweep: the study.
        experiment: what it searches.
        runs: the study's runs in MLflow.
        trial: the trial, claimed.
        orphaned: whether the program that started this worker is gone; then the trial is given back.
    """

    def __init__(
        self, sweep: Sweep, experiment: Experiment, runs: SweepRuns, trial: "Trial", orphaned: Callable[[], bool]
    ) -> None:
        self._sweep, self._experiment, self._runs, self._trial, self._orphaned = (
            sweep,
            experiment,
            runs,
            trial,
            orphaned,
        )
        self._run: str | None = None
        self._started = time.perf_counter()

    def run(self) -> str | None:
        """Train the trial, and record what it comes to; returns why it crashed, None if it did not.

        Raises:
            KeyboardInterrupt: the worker is asked to stop, and so are SystemExit; the trial is given back before.
            StorageInternalError: the study cannot be told anything; others will see that this worker is gone.
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
        except Exception as error:  # out of memory, a loss that is no number, a bad picture: the sweep goes on
            return self._fail(one_line(error))
        return None

    def _train(self) -> None:
        values = suggest(self._trial, self._experiment.tune.space)
        self._run = self._runs.begin(self._trial, self._experiment.train, values)
        outcome = run_trial(self._experiment, values, self._on_epoch)
        self._complete(self._run, outcome)
        self._end("completed", outcome.value)
        self._runs.keep_only_best(self._sweep)

    def _on_epoch(self, result: "EpochResult", timing: "EpochTiming", cache: "TrunkUse | None") -> None:
        """Tell an epoch's figures, and end the trial where it is poor or its worker without a parent."""
        from optuna import TrialPruned

        assert self._run is not None
        self._trial.report(getattr(result, self._experiment.tune.metric), result.epoch)
        self._runs.epoch(self._run, {**asdict(result), **asdict(timing)})
        self._note(timing, cache)
        if self._orphaned():
            raise Orphaned
        poor = self._trial.should_prune()  # asked of every trial: halving compares with those that it was asked about
        if poor and self._trial.number >= self._experiment.tune.startup_trials:
            raise TrialPruned

    def _note(self, timing: "EpochTiming", cache: "TrunkUse | None") -> None:
        """Note in the trial what tells later what pruning and the feature cache saved, and whether memory grows."""
        import psutil

        self._trial.set_user_attr("epoch_seconds", timing.epoch_seconds)
        self._trial.set_user_attr("memory_mb", psutil.Process().memory_info().rss // 10**6)
        if cache is not None:
            pictures = sum(len(labels) for _, labels in self._experiment.data)
            use = {"computed": cache.computed, "reused": cache.reused, "seconds": cache.seconds, "an_epoch": pictures}
            self._trial.set_user_attr("cache", use)

    def _complete(self, run: str, outcome: Outcome) -> None:
        """Record the trial's value, and keep the network of the best trial so far, and of no other.

        The network first: a kill between the two leaves a trial that is tried again, not one whose network is lost.
        """
        from realfake.models.saving import save_network

        with self._sweep.alone():
            if self._sweep.would_be_best(outcome.value):
                with TemporaryDirectory() as folder:
                    save_network(outcome.network, Path(folder, "model.keras"))
                    self._runs.keep_model(run, Path(folder, "model.keras"))
            self._sweep.study.tell(self._trial, outcome.value)

    def _stop_early(self) -> None:
        from optuna.trial import TrialState

        self._sweep.study.tell(self._trial, state=TrialState.PRUNED)
        self._end("pruned")

    def _give_back(self) -> None:
        if self._sweep.fail(self._trial.number, "interrupted", retry=True):
            self._end("interrupted", reason="interrupted")

    def _fail(self, reason: str) -> str:
        if self._sweep.fail(self._trial.number, reason):  # else it was finished; `bury` closes its run as what it is
            self._end("failed", reason=reason)
        return reason

    def _end(self, state: str, value: float | None = None, reason: str = "") -> None:
        self._runs.end(self._run, state, time.perf_counter() - self._started, value, reason)
