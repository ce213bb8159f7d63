"""Write and read outputs/tune/trials.csv: all trials of a study; failed ones have a reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.core.csv_files import read_csv, write_csv
from realfake.sweep.trials import trial_values

if TYPE_CHECKING:
    from optuna import Study

TRIALS_FILE = "trials.csv"
"""Name of the table."""
COLUMNS = ("trial", "state", "value", "epochs", "seconds", "epoch_seconds", "memory_mb", "reason", "mlflow_run")
"""First columns of the table; the parameters of the search space follow, by dotted name within train."""


@dataclass(frozen=True)
class TrialRow:
    """A row of the table."""

    trial: int
    """Number of the trial, from 0."""
    state: str
    """State by Optuna's name: complete, pruned, fail, running or waiting."""
    value: float | None
    """The metric that is optimised; None for failed and unfinished trials."""
    epochs: int
    """Number of epochs trained."""
    seconds: float | None
    """Duration of the trial in seconds."""
    epoch_seconds: float | None
    """Duration of the last epoch in seconds."""
    memory_mb: float | None
    """Resident memory of the worker after the last epoch, in megabytes."""
    reason: str
    """Why the trial failed; empty if it did not."""
    mlflow_run: str
    """Id of its MLflow run; empty if it has none."""
    params: Mapping[str, Any]
    """Values by dotted name within train; text if read from a file."""


def trial_rows(study: "Study", names: Sequence[str]) -> Iterator[TrialRow]:
    """Yield a row for each trial of a study, in the order of their numbers.

    Args:
        study: the study; it may have no finished trial.
        names: parameters of the search space by dotted name within train.
    """
    for trial in study.get_trials(deepcopy=False):
        attributes, values = trial.user_attrs, trial_values(trial)
        yield TrialRow(
            trial=trial.number,
            state=trial.state.name.lower(),
            value=trial.value,
            epochs=max(trial.intermediate_values, default=0),
            seconds=round(trial.duration.total_seconds(), 1) if trial.duration else None,
            epoch_seconds=attributes.get("epoch_seconds"),
            memory_mb=attributes.get("memory_mb"),
            reason=attributes.get("reason", ""),
            mlflow_run=attributes.get("mlflow_run", ""),
            params={name: values.get(name, "") for name in names},
        )


def write_trials(study: "Study", names: Sequence[str], folder: Path) -> None:
    """Write the table of a study into a folder; see `trial_rows` for the other arguments."""
    rows = ([*(getattr(row, name) for name in COLUMNS), *row.params.values()] for row in trial_rows(study, names))
    write_csv(folder / TRIALS_FILE, (*COLUMNS, *names), rows)


def read_trials(folder: Path, names: Sequence[str]) -> list[TrialRow]:
    """Read the table that a sweep wrote.

    Args:
        folder: folder of the sweep's results.
        names: parameters of the search space by dotted name within train.

    Raises:
        UserError: the file is missing, damaged, or has other parameters.
    """

    def parse(cells: list[str]) -> TrialRow:
        trial, state, value, epochs, *measured, reason, run = cells[: len(COLUMNS)]
        seconds, epoch_seconds, memory = map(_number, measured)
        params = dict(zip(names, cells[len(COLUMNS) :], strict=True))
        numbers = (_number(value), int(epochs), seconds, epoch_seconds, memory)
        return TrialRow(int(trial), state, *numbers, reason, run, params)

    return read_csv(folder / TRIALS_FILE, (*COLUMNS, *names), parse, "python src/tune.py")


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
