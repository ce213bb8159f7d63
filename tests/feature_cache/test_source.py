"""The key of features covers all that determines them; what float16 cannot hold is refused."""

import numpy as np
import pytest
from frozen import TRAIN, VAL, changed, params  # noqa: F401 - a fixture

from realfake.config.schema import TrainParams
from realfake.core.errors import UserError
from realfake.feature_cache import source
from realfake.feature_cache.partition import partition_network
from realfake.feature_cache.source import FeatureSource
from realfake.models.builder import build_network


def test_the_key_covers_all_that_determines_features(params: TrainParams) -> None:
    network = build_network(params)

    def key(params: TrainParams, pictures: np.ndarray = TRAIN[0], view: int | None = 0, depth: int = 5) -> str:
        parts = partition_network(network, params, depth)
        assert parts is not None
        return FeatureSource(parts, params, TRAIN).view("train", pictures, view)[0].key

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
    learning = changed(params, epochs=7, batch_size=32, dropout=0.5, optimizer={"learning_rate": 0.1})
    assert key(params) == key(learning) == keys[0], "the layers that learn do not matter"
    weight = network.get_layer("backbone").weights[0]
    weight.assign(weight + 1e-6)
    keys.append(key(params))
    assert len(set(keys)) == len(keys)


def test_int8_depends_on_the_pictures_it_was_calibrated_on(params: TrainParams) -> None:
    parts = partition_network(build_network(params), params)
    assert parts is not None
    for runtime, differs in (("onnxruntime", False), ("onnxruntime_int8", True)):
        calibrated = changed(params, cache={"runtime": runtime})
        one, other = (
            FeatureSource(parts, calibrated, train).view("val", VAL[0], None)[0].key for train in (TRAIN, VAL)
        )
        assert (one != other) == differs


def test_a_seed_names_views_but_not_pictures_as_they_are(params: TrainParams) -> None:
    parts = partition_network(build_network(params), params)
    assert parts is not None
    one, other = (FeatureSource(parts, changed(params, seed=seed), TRAIN) for seed in (1, 2))
    assert one.view("train", TRAIN[0], 0)[0].key != other.view("train", TRAIN[0], 0)[0].key
    assert one.view("val", VAL[0], None)[0].key == other.view("val", VAL[0], None)[0].key


def test_the_code_and_the_machine_stand_in_the_key(params: TrainParams, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = partition_network(build_network(params), params)
    assert parts is not None

    def key() -> str:
        return FeatureSource(parts, params, TRAIN).view("train", TRAIN[0], 0)[0].key

    keys = {key()}
    for name, value in (("rounding_label", lambda: "other"), ("code_digest", lambda *modules, without: "changed")):
        with monkeypatch.context() as patch:
            patch.setattr(source, name, value)
            keys.add(key())
    assert len(keys) == 3


@pytest.mark.parametrize("value", [1e6, np.inf, np.nan, 1e-6])
def test_values_that_float16_cannot_hold_are_refused(value: float) -> None:
    with pytest.raises(UserError, match=r"float16 cannot hold; set train.cache.max_gb: 0.0"):
        source.as_float16(np.full((2, 3), value, np.float32))
    assert not source.as_float16(np.zeros((2, 3), np.float32)).any()
