"""What a running sweep says: a line for each trial that ends, and on a terminal the state of all below."""

import os
import sys
import time
from typing import TYPE_CHECKING

from realfake.sweep.study import Sweep
from realfake.sweep.trials import values_of

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


class Progress:
    """Tells the best so far, and what happens in a study from now on.

    Args:
        sweep: the study, begun.
        wanted: finished trials that it will have.
    """

    def __init__(self, sweep: Sweep, wanted: int) -> None:
        self._sweep, self._wanted, self._live = sweep, wanted, sys.stdout.isatty()
        self._told = {trial.number for trial in sweep.study.get_trials(deepcopy=False) if trial.state.is_finished()}
        self._at_start, self._started = sweep.counts().finished, time.monotonic()
        if sweep.counts().completed:
            print(f"best so far: {trial_line(sweep.study.best_trial)}", flush=True)

    def tell(self) -> None:
        """Say what is new; where there is no terminal, the state of all follows it."""
        known = len(self._told)
        for trial in self._sweep.study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number not in self._told:
                self._told.add(trial.number)
                line = trial_line(trial) + ("  <- best so far" if self._is_best(trial) else "")
                print(("\r\x1b[K" if self._live else "") + line, flush=True)
        line = progress_line(self._sweep, self._wanted, time.monotonic() - self._started, self._at_start)
        if not self._live and len(self._told) > known:
            print(f"  {line}", flush=True)
        if self._live:
            print(f"\r\x1b[K{line[: os.get_terminal_size().columns - 1]}", end="", flush=True)

    def _is_best(self, trial: "FrozenTrial") -> bool:
        return trial.state.name == "COMPLETE" and self._sweep.study.best_trial.number == trial.number

    def close(self) -> None:
        """Say what is new, and leave the line of the state behind."""
        self.tell()
        if self._live:
            print(flush=True)


def progress_line(sweep: Sweep, wanted: int, seconds: float, at_start: int) -> str:
    """Counts by state, the best so far, and the time left at the pace since `at_start` trials were finished.

    Short enough for 80 columns; the best trial's parameters stand in its own line.
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
    """One finished trial: what it found, after how many epochs, with which values."""
    last = max(trial.intermediate_values, default=0)
    found = f"{trial.value:.4f}" if trial.value is not None else trial.user_attrs.get("reason", "-")
    listed = ", ".join(f"{name} {value}" for name, value in values_of(trial).items())
    epochs = f"{last:>3} epoch{'s' if last != 1 else ' '}"
    return f"trial {trial.number:>3}  {trial.state.name.lower():<8}  {found:>7}  {epochs}  {listed}"


def duration(seconds: float) -> str:
    """Seconds or minutes, whichever reads better."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
