"""The key of features covers everything that determines them; values outside the range of float16 are an error."""

import numpy as np
import pytest
from frozen import TRAIN, VAL, changed, params  # noqa: F401 - a fixture

from realfake.config.schema import TrainParams
from realfake.core.errors import UserError
from realfake.feature_cache import source
from realfake.feature_cache.partition import partition_network
from realfake.feature_cache.source import FeatureSource
from realfake.models.builder import build_network


def test_the_key_covers_pictures_view_depth_runtime_and_frozen_weights(params: TrainParams) -> None:
    network = build_network(params)

    def key(params: TrainParams, pictures: np.ndarray = TRAIN[0], view: int | None = 0, depth: int = 5) -> str:
        parts = partition_network(network, params, depth)
        assert parts is not None
        return FeatureSource(parts, params, TRAIN).request("train", pictures, view)[0].key

    pixel = TRAIN[0].copy()
    pixel[-1, -1, -1, -1] += 1
    keys = [
        key(params),
        key(params, pictures=pixel),
        key(params, pictures=TRAIN[0][:-1]),
        key(params, depth=12),
        key(changed(params, cache={"runtime": "onnxruntime"})),
        key(changed(params, cache={"runtime": "onnxruntime_int8"})),
        key(changed(params, augmentation={"strength": 0.5})),
        key(params, view=1),
        key(params, view=None),
    ]
    retrained = changed(params, epochs=7, batch_size=32, dropout=0.5, optimizer={"learning_rate": 0.1})
    assert key(params) == key(retrained) == keys[0], "parameters of the trainable part must not change the key"
    weight = network.get_layer("backbone").weights[0]
    weight.assign(weight + 1e-6)
    keys.append(key(params))
    assert len(set(keys)) == len(keys)


def test_the_key_of_int8_features_covers_the_calibration_pictures(params: TrainParams) -> None:
    parts = partition_network(build_network(params), params)
    assert parts is not None
    for runtime, differs in (("onnxruntime", False), ("onnxruntime_int8", True)):
        calibrated = changed(params, cache={"runtime": runtime})
        one, other = (
            FeatureSource(parts, calibrated, train).request("val", VAL[0], None)[0].key for train in (TRAIN, VAL)
        )
        assert (one != other) == differs


def test_the_key_covers_the_seed_only_for_augmented_views(params: TrainParams) -> None:
    parts = partition_network(build_network(params), params)
    assert parts is not None
    one, other = (FeatureSource(parts, changed(params, seed=seed), TRAIN) for seed in (1, 2))
    assert one.request("train", TRAIN[0], 0)[0].key != other.request("train", TRAIN[0], 0)[0].key
    assert one.request("val", VAL[0], None)[0].key == other.request("val", VAL[0], None)[0].key


def test_the_key_covers_the_code_and_the_machine(params: TrainParams, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = partition_network(build_network(params), params)
    assert parts is not None

    def key() -> str:
        return FeatureSource(parts, params, TRAIN).request("train", TRAIN[0], 0)[0].key

    keys = {key()}
    for name, value in (("rounding_label", lambda: "other"), ("code_digest", lambda *modules, without: "changed")):
        with monkeypatch.context() as patch:
            patch.setattr(source, name, value)
            keys.add(key())
    assert len(keys) == 3


@pytest.mark.parametrize("value", [1e6, np.inf, np.nan, 1e-6])
def test_values_outside_the_range_of_float16_are_an_error(value: float) -> None:
    with pytest.raises(UserError, match=r"float16.*train\.cache\.max_gb: 0\.0"):
        source.as_float16(np.full((2, 3), value, np.float32))
    assert not source.as_float16(np.zeros((2, 3), np.float32)).any()
