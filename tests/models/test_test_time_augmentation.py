"""A mirrored network answers with the mean of two answers, and is a network like any other."""

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
from realfake.models.saving import in_float32, load_network, predict, save_network
from realfake.models.test_time_augmentation import mirrored
from realfake.training.calibration import Scaling, fold_scaling

LARGE = {"backbone": "ResNet50", "width": None, "image_size": 64, "unfreeze": 10, "input_range": "backbone"}
DESCRIPTION = Description(32, 32, 0.5, "d" * 64, "m" * 64, {"accuracy": 0.9})


def logits(probabilities: np.ndarray) -> np.ndarray:
    values = probabilities.astype(np.float64)
    odds: np.ndarray = np.log(values / (1 - values))
    return odds


def plain(train_params: TrainParams, **changes: object) -> tuple[keras.Model, TrainParams]:
    """A network whose answers lie around one half, and differ between a picture and its mirror image."""
    params = TrainParams.model_validate(train_params.model_dump() | changes)
    network = build_network(params)
    middle = logits(predict(network, toy_pictures(8, seed=0)[0])).mean()
    fold_scaling(network, Scaling(4.0, -4.0 * middle))
    return network, params


@pytest.mark.parametrize("changes", [{}, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["native", "application"])
def test_log_odds_are_the_mean_of_both_views(train_params, changes):
    network, params = plain(train_params, **changes)
    pictures, _ = toy_pictures(7, seed=3)
    straight, turned = (logits(predict(network, seen)) for seen in (pictures, pictures[:, :, ::-1]))
    assert np.abs(straight - turned).max() > 0.01
    answers = logits(predict(mirrored(network, params), pictures, batch_size=4))
    assert np.allclose(answers, (straight + turned) / 2, atol=1e-4)


def test_a_scaling_folded_into_it_scales_the_mean(train_params):
    twice = in_float32(mirrored(*plain(train_params)))
    pictures, _ = toy_pictures(6, seed=1)
    before = logits(predict(twice, pictures))
    fold_scaling(twice, Scaling(0.5, 0.3))
    assert np.allclose(logits(predict(twice, pictures)), 0.5 * before + 0.3, atol=1e-4)


def test_its_file_starts_another_training(train_params, tmp_path):
    network, params = plain(train_params)
    twice, path = mirrored(network, params), tmp_path / "model.keras"
    save_network(twice, path)
    pictures, _ = toy_pictures(5, seed=2)
    assert np.allclose(predict(load_network(path), pictures), predict(twice, pictures), atol=1e-6)
    start = {"weights": str(path), "weights_sha256": sha256_file(path)}
    other = build_network(params.model_copy(update=start))
    assert np.allclose(predict(other, pictures), predict(network, pictures), atol=1e-6)


@pytest.mark.parametrize("name", ["onnx", "litert_fp32", pytest.param("litert_int8", marks=pytest.mark.slow)])
def test_exported_files_ask_twice(train_params, tmp_path, name):
    twice = in_float32(mirrored(*plain(train_params)))
    inputs = network_input(toy_pictures(12, seed=4)[0], 32)
    path = write_format(name, ExportSource(twice, inputs, DESCRIPTION), tmp_path)
    assert path.name == FORMATS[name].file_name
    expected = keras.ops.convert_to_numpy(twice(inputs, training=False))[:, 0]
    runner = open_runner(path)
    for count in (1, 5):
        answers = runner(inputs[:count])
        assert np.allclose(answers, expected[:count], atol=0.1 if name == "litert_int8" else 1e-4)
