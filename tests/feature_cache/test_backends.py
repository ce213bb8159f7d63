"""Every runtime agrees with TensorFlow within its precision; one that is not installed is a one-line error."""

from importlib.metadata import PackageNotFoundError
from typing import get_args

import keras
import numpy as np
import pytest
from conftest import PROJECT, toy_pictures

from realfake.config.schema import RuntimeName, TrainParams, load_params
from realfake.core.errors import UserError
from realfake.data.images import network_input
from realfake.feature_cache import backends
from realfake.feature_cache.partition import partition_network
from realfake.models.builder import build_network

LARGEST_ERROR = {
    "tensorflow": 1e-6,
    "onnxruntime": 1e-5,
    "openvino_bf16": 0.05,
    "onnxruntime_int8": 0.1,
    "openvino_int8": 0.1,
}
"""Largest mean absolute difference from TensorFlow, relative to the features' mean magnitude; bfloat16 has 8 bits."""

INPUTS = network_input(toy_pictures(16, seed=0)[0], 32)
CALIBRATION = network_input(toy_pictures(32, seed=1)[0], 32)


@pytest.fixture(scope="module")
def frozen() -> keras.Model:
    """Build a frozen part of eleven convolutions with random weights."""
    scratch = load_params(PROJECT / "recipes/scratch.yaml").train.model_dump()
    params = TrainParams.model_validate(scratch | {"backbone": "resnet14", "width": 8, "unfreeze": 7})
    parts = partition_network(build_network(params), params)
    assert parts is not None
    return parts.frozen


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if "openvino" in name else []) for name in get_args(RuntimeName)],
)
def test_a_runtime_agrees_with_tensorflow(name: RuntimeName, frozen: keras.Model) -> None:
    pytest.importorskip(name.partition("_")[0])
    expected = np.asarray(frozen(INPUTS, training=False))
    forward = backends.open_runtime(name, frozen, CALIBRATION if name.endswith("_int8") else None)
    features = forward(INPUTS)
    assert features.dtype == np.float32
    assert features.shape == expected.shape
    error = np.abs(features - expected).mean() / np.abs(expected).mean()
    assert error < LARGEST_ERROR[name]
    if name.endswith("_int8"):  # bfloat16 is not checked, because some processors compute it in float32
        assert error > 1e-5, "the runtime computed in float32"
    copy = features.copy()
    forward(INPUTS[::-1].copy())
    assert np.array_equal(features, copy), "a later batch overwrote an earlier one"


def test_versions_name_every_package_of_a_runtime() -> None:
    named = [[line.split()[0] for line in backends.runtime_versions(n)] for n in ("tensorflow", "onnxruntime_int8")]
    assert named == [["tensorflow"], ["onnxruntime", "tf2onnx"]]
    assert backends.runtime_versions("tensorflow")[0].startswith("tensorflow 2.")


def test_a_runtime_that_is_not_installed_is_a_one_line_error(
    frozen: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(backends, "version", missing)
    with pytest.raises(UserError) as caught:
        backends.open_runtime("openvino_int8", frozen, CALIBRATION)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("openvino_int8", "pip install openvino", "train.cache.runtime: tensorflow"):
        assert part in message
