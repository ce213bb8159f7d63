"""Finish a trained network for use, and write the files of its training."""

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
    """Convert a trained network to float32, add test-time augmentation if `params.mirror` is set, and calibrate it.

    Args:
        network: the trained network, with the weights of the epoch that is kept.
        val: pictures uint8 (N, S, S, 3) and labels uint8 (N,), on which the calibration is fitted.
        params: training parameters; `mirror` and `calibration` are used.

    Returns:
        The finished network, a copy, and the result of its calibration.
    """
    finished = to_float32(average_over_mirror_image(network, params) if params.mirror else network)
    return finished, calibrate(finished, *val, params.calibration)


def write_model(
    network: keras.Model, history: Sequence[EpochResult], record: TrainingRecord, prepared: Path, folder: Path
) -> None:
    """Write model.keras, history.json, training.json, and seen.npy with the fingerprints of the training pictures.

    Args:
        network: the finished network.
        history: results of all its epochs.
        record: the record of its training.
        prepared: the folder that preprocess wrote, with the pictures that the network was trained on.
        folder: an existing folder to write to.
    """
    save_network(network, folder / "model.keras")
    write_fingerprints(folder, training_fingerprints(read_manifest(prepared)))
    write_history(folder, history)
    record.write(folder)
