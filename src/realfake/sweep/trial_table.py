"""outputs/tune/trials.csv: all trials of a study, those that came to nothing with their reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.core.csv_files import read_csv, write_csv
from realfake.sweep.trials import values_of

if TYPE_CHECKING:
    from optuna import Study

TRIALS_FILE = "trials.csv"
COLUMNS = ("trial", "state", "value", "epochs", "seconds", "epoch_seconds", "memory_mb", "reason", "mlflow_run")
"""The parameters that are searched follow, by their names."""


@dataclass(frozen=True)
class TrialRow:
    """A row of the table: COLUMNS, and the proposed parameters."""

    trial: int
    state: str
    """complete, pruned, fail, running or waiting."""
    value: float | None
    """The metric that is searched for; None where the trial came to nothing."""
    epochs: int
    """How many were trained."""
    seconds: float | None
    """From its start to its end."""
    epoch_seconds: float | None
    """That the last epoch took."""
    memory_mb: float | None
    """Of the worker, after the last epoch."""
    reason: str
    """Why it came to nothing."""
    mlflow_run: str
    params: Mapping[str, Any]
    """By dotted name within train; text where they were read."""


def trial_rows(study: "Study", names: Sequence[str]) -> Iterator[TrialRow]:
    """Yield a row for each trial of a study, in the order of their numbers.

    Args:
        study: any, also one without a finished trial.
        names: the parameters that are searched.
    """
    for trial in study.get_trials(deepcopy=False):
        noted, values = trial.user_attrs, values_of(trial)
        yield TrialRow(
            trial=trial.number,
            state=trial.state.name.lower(),
            value=trial.value,
            epochs=max(trial.intermediate_values, default=0),
            seconds=round(trial.duration.total_seconds(), 1) if trial.duration else None,
            epoch_seconds=noted.get("epoch_seconds"),
            memory_mb=noted.get("memory_mb"),
            reason=noted.get("reason", ""),
            mlflow_run=noted.get("mlflow_run", ""),
            params={name: values.get(name, "") for name in names},
        )


def write_trials(study: "Study", names: Sequence[str], folder: Path) -> None:
    """Write the table of a study into a folder; arguments as in `trial_rows`."""
    rows = ([*(getattr(row, name) for name in COLUMNS), *row.params.values()] for row in trial_rows(study, names))
    write_csv(folder / TRIALS_FILE, (*COLUMNS, *names), rows)


def read_trials(folder: Path, names: Sequence[str]) -> list[TrialRow]:
    """Read the table that a sweep left in a folder.

    Args:
        folder: of the sweep's results.
        names: the parameters that were searched.

    Raises:
        UserError: the file is missing, damaged, or of other parameters.
    """

    def parse(cells: list[str]) -> TrialRow:
        trial, state, value, epochs, *measured, reason, run = cells[: len(COLUMNS)]
        seconds, epoch_seconds, memory = map(_number, measured)
        params = dict(zip(names, cells[len(COLUMNS) :], strict=True))
        found = (_number(value), int(epochs), seconds, epoch_seconds, memory)
        return TrialRow(int(trial), state, *found, reason, run, params)

    return read_csv(folder / TRIALS_FILE, (*COLUMNS, *names), parse, "python src/tune.py")


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
