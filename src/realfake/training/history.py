"""outputs/model/history.json: the figures of every epoch of a training."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.json_files import read_record, write_json

HISTORY_FILE = "history.json"


@dataclass(frozen=True)
class EpochResult:
    """One epoch's figures, in the order of the file.

    train_* are means over the epoch while it trained, on augmented pictures and with dropout; losses are binary
    cross-entropy, natural logarithm.
    """

    epoch: int
    """Counts from 1."""
    learning_rate: float
    """After the epoch's last step."""
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    val_auc: float


@dataclass(frozen=True)
class EpochTiming:
    """What one epoch took; it varies by nature and stands in no output."""

    epoch_seconds: float
    """With its scoring on val."""
    input_wait: float
    """The part of the training time, 0 to 1, that the network waited for its batches."""


def best_epoch(history: Sequence[EpochResult]) -> EpochResult:
    """The epoch of the highest val accuracy, then the lowest val loss, then the earliest."""
    return max(history, key=lambda result: (result.val_accuracy, -result.val_loss, -result.epoch))


def write_history(model: Path, history: Sequence[EpochResult]) -> None:
    """Write the epochs of a training into its model's folder."""
    write_json(model / HISTORY_FILE, [asdict(result) for result in history])


def read_history(model: Path) -> list[EpochResult]:
    """Read the epochs of the training that left a model's folder.

    Raises:
        UserError: the file is missing, damaged or incomplete.
    """
    return read_record(list[EpochResult], model / HISTORY_FILE, "dvc repro train")
