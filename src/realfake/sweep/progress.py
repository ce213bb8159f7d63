"""Print the progress of a sweep: a line for each trial that ends, and on a terminal the counts in the last line."""

import os
import sys
import time
from typing import TYPE_CHECKING

from realfake.sweep.study import Sweep
from realfake.sweep.trials import trial_values

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


class Progress:
    """Print the best trial so far, and each trial of a study that ends from now on.

    Args:
        sweep: the study, already begun.
        wanted: number of finished trials that it has at the end.
    """

    def __init__(self, sweep: Sweep, wanted: int) -> None:
        self._sweep, self._wanted, self._live = sweep, wanted, sys.stdout.isatty()
        self._reported = {trial.number for trial in sweep.study.get_trials(deepcopy=False) if trial.state.is_finished()}
        self._at_start, self._started = sweep.counts().finished, time.monotonic()
        if sweep.counts().completed:
            print(f"best so far: {trial_line(sweep.study.best_trial)}", flush=True)

    def update(self) -> None:
        """Print the trials that ended since the last call, and the counts: without a terminal only if any trial did."""
        known = len(self._reported)
        for trial in self._sweep.study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number not in self._reported:
                self._reported.add(trial.number)
                line = trial_line(trial) + ("  <- best so far" if self._is_best(trial) else "")
                print(("\r\x1b[K" if self._live else "") + line, flush=True)
        line = progress_line(self._sweep, self._wanted, time.monotonic() - self._started, self._at_start)
        if not self._live and len(self._reported) > known:
            print(f"  {line}", flush=True)
        if self._live:
            print(f"\r\x1b[K{line[: os.get_terminal_size().columns - 1]}", end="", flush=True)

    def _is_best(self, trial: "FrozenTrial") -> bool:
        return trial.state.name == "COMPLETE" and self._sweep.study.best_trial.number == trial.number

    def close(self) -> None:
        """Print what is new for the last time, and keep the line with the counts on the terminal."""
        self.update()
        if self._live:
            print(flush=True)


def progress_line(sweep: Sweep, wanted: int, seconds: float, at_start: int) -> str:
    """Return counts by state, the best value so far, and the estimated time left, in at most 80 columns.

    Args:
        sweep: the study.
        wanted: number of finished trials that it has at the end.
        seconds: time since `at_start` trials were finished; with the trials finished since it gives the pace.
        at_start: number of trials that were finished then.
    """
    counts = sweep.counts()
    failed = f", {counts.failed} failed" if counts.failed else ""
    line = f"{counts.finished}/{wanted}: {counts.completed} complete, {counts.pruned} pruned{failed}, "
    line += f"{counts.running} running"
    if counts.completed:
        line += f"; best {sweep.study.best_value:.4f} (trial {sweep.study.best_trial.number})"
    done = counts.finished - at_start
    if done > 0 and counts.finished < wanted:
        line += f"; {duration(seconds / done * (wanted - counts.finished))} left"
    return line


def trial_line(trial: "FrozenTrial") -> str:
    """Return one line on a finished trial: its state, value or reason, number of epochs and parameters."""
    count = max(trial.intermediate_values, default=0)
    result = f"{trial.value:.4f}" if trial.value is not None else trial.user_attrs.get("reason", "-")
    values = ", ".join(f"{name} {value}" for name, value in trial_values(trial).items())
    epochs = f"{count:>3} epoch{'s' if count != 1 else ' '}"
    return f"trial {trial.number:>3}  {trial.state.name.lower():<8}  {result:>7}  {epochs}  {values}"


def duration(seconds: float) -> str:
    """Return a duration as text: in seconds up to a minute and a half, else in minutes."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
