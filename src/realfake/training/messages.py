"""Format the lines that train prints: before the first epoch, after each epoch, and at the end."""

from realfake.config.schema import TrainParams
from realfake.core.environment import bfloat16_is_fast
from realfake.training.history import EpochResult
from realfake.training.training_record import Calibration, run_name


def format_start(params: TrainParams, weights: int, pictures: int) -> str:
    """Return the first line of a training, and a warning if its precision is slow on this processor.

    Args:
        params: training parameters.
        weights: number of the network's weights.
        pictures: number of training pictures.
    """
    line = f"{run_name(params)}: {weights:,} weights, {pictures:,} pictures"
    if params.precision == "bfloat16" and not bfloat16_is_fast():
        line += "\nthis processor has no bfloat16 instructions; train.precision: float32 would be faster"
    return line


def format_epoch(result: EpochResult, epochs: int, seconds: float) -> str:
    """Return the line of one epoch, with the time left if that is a minute or more.

    Args:
        result: the epoch's result.
        epochs: number of epochs of the whole training.
        seconds: duration of this epoch.
    """
    left = (epochs - result.epoch) * seconds
    return (
        f"epoch {result.epoch:>3}/{epochs}  loss {result.train_loss:.4f}  accuracy {result.train_accuracy:.2%}"
        f"  |  val loss {result.val_loss:.4f}  accuracy {result.val_accuracy:.2%}  AUC {result.val_auc:.4f}"
        f"  |  {seconds:.0f} s" + (f", about {left / 60:.0f} min left" if left >= 60 else "")
    )


def format_end(kept: EpochResult, calibration: Calibration) -> str:
    """Return the last line of a training: the epoch that was kept, and the effect of calibration."""
    line = f"kept epoch {kept.epoch}: val accuracy {kept.val_accuracy:.2%}, AUC {kept.val_auc:.4f}"
    before, after = calibration.val_ece_before, calibration.val_ece
    if before is not None and after is not None:
        line += f", calibration error {before:.2%}, after scaling {after:.2%}"
    return line
