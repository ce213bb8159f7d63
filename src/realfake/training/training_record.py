"""What train tells of a training: its name, a line an epoch, and training.json beside the network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from realfake.config.schema import TrainParams
from realfake.core.environment import bfloat16_is_fast
from realfake.data.preparation_report import PreparationReport


def run_name(params: TrainParams) -> str:
    """A name that tells runs apart: network, input size, starting weights, what is trained, how long."""
    width = f"x{params.width}" if params.width else ""
    weights = "" if params.weights == "none" else f"-{Path(params.weights).stem}"
    depth = "" if params.unfreeze == "all" else f"-last{params.unfreeze}"
    return f"{params.backbone}{width}-{params.image_size}px{weights}{depth}-{params.epochs}ep"


def opening(params: TrainParams, weights: int, pictures: int) -> str:
    """The first line of a training, and a second where its precision costs more than it brings."""
    line = f"{run_name(params)}: {weights:,} weights, {pictures:,} pictures"
    if params.precision == "bfloat16" and not bfloat16_is_fast():
        line += "\nthis processor has no bfloat16 arithmetic of its own: train.precision: float32 would be faster"
    return line


def closing(best: Mapping[str, Any], scaling: Mapping[str, float]) -> str:
    """The last line of a training: the epoch that was kept, and what calibration did."""
    line = f"kept epoch {best['epoch']}: val accuracy {best['val_accuracy']:.2%}, AUC {best['val_auc']:.4f}"
    if "val_ece" in scaling:
        line += f", calibration error {scaling['val_ece_before']:.2%}, after scaling {scaling['val_ece']:.2%}"
    return line


def record(
    name: str,
    report: PreparationReport,
    params: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    outcome: Mapping[str, Any],
) -> dict[str, Any]:
    """The contents of training.json: enough to rebuild the MLflow run of a training that is gone.

    Args:
        name: from `run_name`.
        report: of preprocess.
        params: flattened preprocess and train parameters.
        parts: the network's parts, from `builder.describe`.
        outcome: `best`, the result of the epoch that was kept; `calibration`, from `calibration.calibrate`; `trunk`,
            what was learnt from, from `TrainablePart.kept`.
    """
    return {
        "name": name,
        "data_digest": report.digest,
        "pictures": report.pictures,
        "parts": parts,
        "params": params,
        **outcome,
    }


def epoch_line(result: Mapping[str, Any], epochs: int, seconds: float) -> str:
    """One epoch as a line for the terminal, with the time left when it is a minute or more."""
    left = (epochs - result["epoch"]) * seconds
    return (
        f"epoch {result['epoch']:>3}/{epochs}  loss {result['train_loss']:.4f}  accuracy {result['train_accuracy']:.2%}"
        f"  |  val loss {result['val_loss']:.4f}  accuracy {result['val_accuracy']:.2%}  AUC {result['val_auc']:.4f}"
        f"  |  {seconds:.0f} s" + (f", about {left / 60:.0f} min left" if left >= 60 else "")
    )
