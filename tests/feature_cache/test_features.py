"""A training caches the features of its views within the budget, reuses them, and continues after a kill."""

from collections.abc import Iterator

import numpy as np
import pytest
from frozen import TRAIN, VAL, changed, params  # noqa: F401 - a fixture

from realfake.config.schema import TrainParams
from realfake.core.errors import UserError
from realfake.feature_cache import source
from realfake.feature_cache.backends import Forward
from realfake.feature_cache.features import TrainablePart
from realfake.feature_cache.store import FeatureCache
from realfake.models.builder import build_network
from realfake.training.loop import fit

GB_PER_PICTURE = 16 * 16 * 8 * 2 / 1e9
INDICES = np.array([149, 3, 70])


def trainable_part(params: TrainParams, depth: int | None = None) -> TrainablePart:
    return TrainablePart(build_network(params), params, TRAIN, VAL, depth)


def stored_keys() -> list[str]:
    return sorted(entry.key for entry in FeatureCache(0).entries())


@pytest.mark.parametrize(("views", "cached"), [(None, 3), (2, 2)])
def test_cached_views_equal_online_augmentation(params: TrainParams, views: int | None, cached: int) -> None:
    params = changed(params, epochs=3, augmentation={"strength": 0.8, "views": views})
    online = trainable_part(changed(params, cache={"max_gb": 0.0})).data()
    with trainable_part(params) as part:
        assert part.parts is not None
        assert part.views == cached
        data = part.data()
        features = []
        for epoch in range(params.epochs):
            expected = np.asarray(part.parts.frozen(online.train.inputs(INDICES, epoch)))
            features.append(data.train.inputs(INDICES, epoch))
            np.testing.assert_allclose(features[-1], expected, rtol=2e-3, atol=1e-3)
        assert not np.allclose(features[0], features[1], rtol=0.1, atol=0.1)
        assert np.array_equal(features[0], features[2]) == (cached == 2)
        expected = np.asarray(part.parts.frozen(online.val.inputs(np.arange(20), 0)))
        np.testing.assert_allclose(data.val.inputs(np.arange(20), 0), expected, rtol=2e-3, atol=1e-3)
    assert part.use is not None
    assert (part.use.computed, part.use.reused) == (cached * 150 + 20, 0)


@pytest.mark.slow
def test_in_bfloat16_both_parts_together_equal_the_whole_network(params: TrainParams) -> None:
    params = changed(params, precision="bfloat16", augmentation={"strength": 0.0, "corruption": 0.5})
    network = build_network(params)
    with TrainablePart(network, params, TRAIN, VAL) as part:
        data = part.data()
        assert part.views == 2, "random damage is an augmentation"
        pictures = trainable_part(changed(params, cache={"max_gb": 0.0})).data().val
        expected = network.predict_on_batch(pictures.inputs(INDICES % 20, 0))
        probabilities = part.network.predict_on_batch(data.val.inputs(INDICES % 20, 0))
        np.testing.assert_allclose(probabilities, expected, atol=0.02)
        assert len(fit(part.network, lambda: data, params)) == params.epochs


def test_without_augmentation_all_epochs_use_one_view(params: TrainParams) -> None:
    with trainable_part(changed(params, augmentation={"strength": 0.0})) as part:
        data = part.data()
        assert part.views == 1
        assert np.array_equal(data.train.inputs(INDICES, 0), data.train.inputs(INDICES, 1))
    assert len(stored_keys()) == 2


def test_there_are_at_most_as_many_views_as_epochs(params: TrainParams) -> None:
    assert trainable_part(changed(params, augmentation={"views": 9})).views == params.epochs == 2


def test_a_second_training_computes_nothing(params: TrainParams, capsys: pytest.CaptureFixture[str]) -> None:
    with trainable_part(params) as part:
        part.data()
    assert "for 320 pictures in" in capsys.readouterr().out
    keys = stored_keys()
    with trainable_part(params) as part:
        part.data()
    assert part.use is not None
    assert (part.use.computed, part.use.reused) == (0, 320)
    assert part.use.gigabytes == pytest.approx(320 * GB_PER_PICTURE)
    assert stored_keys() == keys
    (line,) = capsys.readouterr().out.splitlines()
    for part_of_line in ("stage2_block1_out", "150 pictures in 2 views", "20 of val", "20 GB", "320 of 320"):
        assert part_of_line in line


@pytest.mark.slow
def test_a_division_for_a_greater_depth_is_trained_alike(params: TrainParams) -> None:
    params = changed(params, unfreeze=0, epochs=1)
    weights, layers = [], []
    for depth in (None, 5):
        network = build_network(params)
        with TrainablePart(network, params, TRAIN, VAL, depth) as part:
            fit(part.network, part.data, params)
            assert part.parts is not None
            layers.append(part.parts.layer)
        weights.append(network.get_layer("dense").kernel.numpy())
    start = build_network(params).get_layer("dense").kernel.numpy()
    assert layers[0] == "pool" != layers[1]
    difference = np.linalg.norm(weights[0] - weights[1]) / np.linalg.norm(weights[0] - start)
    assert 0 < difference < 0.05


def test_a_killed_computation_ends_with_the_same_features(params: TrainParams, monkeypatch: pytest.MonkeyPatch) -> None:
    open_runtime, sizes = source.open_runtime, []

    def features() -> np.ndarray:
        with trainable_part(params) as part:
            return part.data().train.inputs(np.arange(150), 1)

    def failing(*arguments: object) -> Forward:
        forward = open_runtime(*arguments)

        def compute(batch: np.ndarray) -> np.ndarray:
            if len(sizes) == 5:  # each view takes three batches
                raise KeyboardInterrupt
            sizes.append(len(batch))
            return forward(batch)

        return compute

    uninterrupted = features()
    for key in stored_keys():
        assert FeatureCache(0).remove(key)
    monkeypatch.setattr(source, "open_runtime", failing)
    with pytest.raises(KeyboardInterrupt):
        features()
    assert sorted(entry.done for entry in FeatureCache(0).entries()) == [128 / 150, 1.0]
    monkeypatch.setattr(source, "open_runtime", open_runtime)
    assert np.array_equal(features(), uninterrupted)
    assert set(sizes) == {source.BATCH}, "TensorFlow would trace another shape anew"


@pytest.mark.parametrize(
    ("pictures", "views", "messages"),
    [
        (320, 2, []),
        (319, 1, ["2 views", "train.cache.max_gb is 0.00130867", "1 of them cached"]),
        (169, 0, ["2 views", "train.cache.max_gb is 0.000694272", "nothing is cached"]),
        (0, 0, []),
    ],
)
def test_a_small_budget_holds_fewer_views_or_none(
    params: TrainParams, capsys: pytest.CaptureFixture[str], pictures: int, views: int, messages: list[str]
) -> None:
    params = changed(params, cache={"max_gb": (pictures + 0.5) * GB_PER_PICTURE if pictures else 0.0})
    part = trainable_part(params)
    assert part.views == views
    assert (part.parts is None) == (part.network.name == "realfake") == (views == 0)
    out = capsys.readouterr().out
    assert all(message in out for message in messages)
    assert out.count("\n") == bool(messages)


def test_features_outside_the_range_of_float16_are_an_error(params: TrainParams) -> None:
    network = build_network(params)
    normalization = network.get_layer("backbone").get_layer("stage2_block1_shortcut_bn")
    normalization.beta.assign(normalization.beta + 1e6)
    with (
        TrainablePart(network, params, TRAIN, VAL) as part,
        pytest.raises(UserError, match=r"float16.*train\.cache\.max_gb: 0\.0"),
    ):
        part.data()


def test_a_missing_runtime_is_an_error_before_anything_is_computed(
    params: TrainParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Iterator[str]:
        raise UserError("not installed")

    monkeypatch.setattr(source, "runtime_versions", missing)
    with trainable_part(params) as part, pytest.raises(UserError, match="not installed"):
        part.data()
    assert stored_keys() == []
