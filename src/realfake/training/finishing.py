"""What follows the last epoch: the network is finished for use, and what the training leaves is written."""

from collections.abc import Sequence
from pathlib import Path

import keras

from realfake.config.schema import TrainParams
from realfake.core.arrays import Labels, Pictures
from realfake.data.dataset import read_manifest
from realfake.data.fingerprints import training_fingerprints, write_fingerprints
from realfake.models.saving import save_network, to_float32
from realfake.models.test_time_augmentation import average_over_mirror_image
from realfake.training.calibration import calibrate
from realfake.training.history import EpochResult, write_history
from realfake.training.training_record import Calibration, TrainingRecord


def finish(network: keras.Model, val: tuple[Pictures, Labels], params: TrainParams) -> tuple[keras.Model, Calibration]:
    """Make a trained network what will be used: in float32, mirrored where that is asked for, calibrated on val.

    Args:
        network: with the weights of the epoch that is kept.
        val: pictures uint8 (N, S, S, 3) and labels uint8 (N,).
        params: mirror and calibration.

    Returns:
        The finished network, a copy, and what calibration found.
    """
    finished = to_float32(average_over_mirror_image(network, params) if params.mirror else network)
    return finished, calibrate(finished, *val, params.calibration)


def write_model(
    network: keras.Model, history: Sequence[EpochResult], record: TrainingRecord, prepared: Path, folder: Path
) -> None:
    """Write model.keras, history.json, training.json, and fingerprints of what was learnt from (seen.npy).

    Args:
        network: finished.
        history: of all its epochs.
        record: of the training.
        prepared: the folder of the pictures that it learnt from.
        folder: an existing folder.
    """
    save_network(network, folder / "model.keras")
    write_fingerprints(folder, training_fingerprints(read_manifest(prepared)))
    write_history(folder, history)
    record.write(folder)
