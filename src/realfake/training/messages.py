"""What train prints: a line before, a line for each epoch, a line after."""

from realfake.config.schema import TrainParams
from realfake.core.environment import bfloat16_is_fast
from realfake.training.history import EpochResult
from realfake.training.training_record import Calibration, run_name


def opening(params: TrainParams, weights: int, pictures: int) -> str:
    """The first line of a training, and a second where its precision costs more than it brings.

    Args:
        params: of the training.
        weights: how many the network has.
        pictures: how many there are in train.
    """
    line = f"{run_name(params)}: {weights:,} weights, {pictures:,} pictures"
    if params.precision == "bfloat16" and not bfloat16_is_fast():
        line += "\nthis processor has no bfloat16 arithmetic of its own: train.precision: float32 would be faster"
    return line


def epoch_line(result: EpochResult, epochs: int, seconds: float) -> str:
    """One epoch as a line for the terminal, with the time left when it is a minute or more.

    Args:
        result: of the epoch.
        epochs: of the whole training.
        seconds: that this epoch took.
    """
    left = (epochs - result.epoch) * seconds
    return (
        f"epoch {result.epoch:>3}/{epochs}  loss {result.train_loss:.4f}  accuracy {result.train_accuracy:.2%}"
        f"  |  val loss {result.val_loss:.4f}  accuracy {result.val_accuracy:.2%}  AUC {result.val_auc:.4f}"
        f"  |  {seconds:.0f} s" + (f", about {left / 60:.0f} min left" if left >= 60 else "")
    )


def closing(kept: EpochResult, calibration: Calibration) -> str:
    """The last line of a training: the epoch that was kept, and what calibration did."""
    line = f"kept epoch {kept.epoch}: val accuracy {kept.val_accuracy:.2%}, AUC {kept.val_auc:.4f}"
    before, after = calibration.val_ece_before, calibration.val_ece
    if before is not None and after is not None:
        line += f", calibration error {before:.2%}, after scaling {after:.2%}"
    return line
