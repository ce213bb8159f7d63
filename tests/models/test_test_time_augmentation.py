"""With test-time augmentation a network predicts the mean of two predictions, also when it is saved or exported."""

import keras
import numpy as np
import pytest
from conftest import toy_pictures

from realfake.config.schema import TrainParams
from realfake.core.files import sha256_file
from realfake.data.images import network_input
from realfake.export.converters import FORMATS, ExportSource, open_runner, write_format
from realfake.inference.metadata import Description
from realfake.models.builder import build_network
from realfake.models.saving import load_network, predict, save_network, to_float32
from realfake.models.test_time_augmentation import average_over_mirror_image
from realfake.training.calibration import Scaling, fold_scaling

LARGE = {"backbone": "ResNet50", "width": None, "image_size": 64, "unfreeze": 10, "input_range": "backbone"}
DESCRIPTION = Description(32, 32, 0.5, "d" * 64, "m" * 64, {"accuracy": 0.9})


def logits(probabilities: np.ndarray) -> np.ndarray:
    values = probabilities.astype(np.float64)
    odds: np.ndarray = np.log(values / (1 - values))
    return odds


def plain(train_params: TrainParams, **changes: object) -> tuple[keras.Model, TrainParams]:
    """A network whose predictions lie around 0.5 and differ between a picture and its mirror image."""
    params = TrainParams.model_validate(train_params.model_dump() | changes)
    network = build_network(params)
    middle = logits(predict(network, toy_pictures(8, seed=0)[0])).mean()
    fold_scaling(network, Scaling(4.0, -4.0 * middle))
    return network, params


@pytest.mark.parametrize("changes", [{}, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["native", "application"])
def test_log_odds_are_the_mean_of_both_views(train_params, changes):
    network, params = plain(train_params, **changes)
    pictures, _ = toy_pictures(7, seed=3)
    original, mirrored = (logits(predict(network, seen)) for seen in (pictures, pictures[:, :, ::-1]))
    assert np.abs(original - mirrored).max() > 0.01
    averaged = logits(predict(average_over_mirror_image(network, params), pictures, batch_size=4))
    assert np.allclose(averaged, (original + mirrored) / 2, atol=1e-4)


def test_a_scaling_folded_into_it_scales_the_mean(train_params):
    averaging = to_float32(average_over_mirror_image(*plain(train_params)))
    pictures, _ = toy_pictures(6, seed=1)
    before = logits(predict(averaging, pictures))
    fold_scaling(averaging, Scaling(0.5, 0.3))
    assert np.allclose(logits(predict(averaging, pictures)), 0.5 * before + 0.3, atol=1e-4)


def test_its_saved_weights_can_start_another_training(train_params, tmp_path):
    network, params = plain(train_params)
    averaging, path = average_over_mirror_image(network, params), tmp_path / "model.keras"
    save_network(averaging, path)
    pictures, _ = toy_pictures(5, seed=2)
    assert np.allclose(predict(load_network(path), pictures), predict(averaging, pictures), atol=1e-6)
    start = {"weights": str(path), "weights_sha256": sha256_file(path)}
    other = build_network(params.model_copy(update=start))
    assert np.allclose(predict(other, pictures), predict(network, pictures), atol=1e-6)


@pytest.mark.parametrize("name", ["onnx", "litert_fp32", pytest.param("litert_int8", marks=pytest.mark.slow)])
def test_exported_files_average_too(train_params, tmp_path, name):
    averaging = to_float32(average_over_mirror_image(*plain(train_params)))
    inputs = network_input(toy_pictures(12, seed=4)[0], 32)
    path = write_format(name, ExportSource(averaging, inputs, DESCRIPTION), tmp_path)
    assert path.name == FORMATS[name].file_name
    expected = keras.ops.convert_to_numpy(averaging(inputs, training=False))[:, 0]
    runner = open_runner(path)
    for count in (1, 5):
        answers = runner(inputs[:count])
        assert np.allclose(answers, expected[:count], atol=0.1 if name == "litert_int8" else 1e-4)
