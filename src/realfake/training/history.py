"""Read and write outputs/model/history.json, the losses and accuracies of every epoch."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.json_files import read_record, write_json

HISTORY_FILE = "history.json"


@dataclass(frozen=True)
class EpochResult:
    """Hold the result of one epoch; the fields are those of the file, in its order.

    The train values are means over the epoch's steps, on augmented pictures and with dropout. Losses are binary
    cross-entropies with the natural logarithm.
    """

    epoch: int
    """Number of the epoch, counted from 1."""
    learning_rate: float
    """Learning rate after the epoch's last step."""
    train_loss: float
    train_accuracy: float
    """Accuracy at threshold 0.5, 0 to 1."""
    val_loss: float
    val_accuracy: float
    """Accuracy at threshold 0.5, 0 to 1."""
    val_auc: float
    """Area under the ROC curve, 0 to 1."""


@dataclass(frozen=True)
class EpochTiming:
    """Hold the timing of one epoch, which goes to MLflow only: it differs on every run."""

    epoch_seconds: float
    """Duration of training and validation, in seconds."""
    input_wait: float
    """Fraction of the training time, 0 to 1, in which the network waited for batches."""


def best_epoch(history: Sequence[EpochResult]) -> EpochResult:
    """Return the epoch with the highest val accuracy; ties go to the lowest val loss, then to the earliest epoch."""
    return max(history, key=lambda result: (result.val_accuracy, -result.val_loss, -result.epoch))


def write_history(model: Path, history: Sequence[EpochResult]) -> None:
    """Write the results of all epochs into the model's folder."""
    write_json(model / HISTORY_FILE, [asdict(result) for result in history])


def read_history(model: Path) -> list[EpochResult]:
    """Read the results of all epochs from the model's folder.

    Raises:
        UserError: the file is missing, damaged or incomplete.
    """
    return read_record(list[EpochResult], model / HISTORY_FILE, "dvc repro train")
