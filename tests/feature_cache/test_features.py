"""Which features a training needs, under which keys they are kept, and that frozen layers compute them."""

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

GB_A_PICTURE = 16 * 16 * 8 * 2 / 1e9
INDICES = np.array([149, 3, 70])


def learning_part(params: TrainParams, depth: int | None = None) -> TrainablePart:
    return TrainablePart(build_network(params), params, TRAIN, VAL, depth)


def stored() -> list[str]:
    return sorted(entry.key for entry in FeatureCache(0).entries())


@pytest.mark.parametrize(("views", "kept"), [(None, 3), (2, 2)])
def test_kept_views_are_what_augmenting_online_would_show(params: TrainParams, views: int | None, kept: int) -> None:
    params = changed(params, epochs=3, augmentation={"strength": 0.8, "views": views})
    online = learning_part(changed(params, cache={"max_gb": 0.0})).data()
    with learning_part(params) as part:
        assert part.parts is not None
        assert part.views == kept
        data = part.data()
        seen = []
        for epoch in range(params.epochs):
            expected = np.asarray(part.parts.frozen(online.train.inputs(INDICES, epoch)))
            seen.append(data.train.inputs(INDICES, epoch))
            np.testing.assert_allclose(seen[-1], expected, rtol=2e-3, atol=1e-3)
        assert not np.allclose(seen[0], seen[1], rtol=0.1, atol=0.1)
        assert np.array_equal(seen[0], seen[2]) == (kept == 2)
        expected = np.asarray(part.parts.frozen(online.val.inputs(np.arange(20), 0)))
        np.testing.assert_allclose(data.val.inputs(np.arange(20), 0), expected, rtol=2e-3, atol=1e-3)
    assert part.use is not None
    assert (part.use.computed, part.use.reused) == (kept * 150 + 20, 0)


@pytest.mark.slow
def test_frozen_layers_in_bfloat16_give_what_the_whole_network_would(params: TrainParams) -> None:
    params = changed(params, precision="bfloat16", augmentation={"strength": 0.0, "corruption": 0.5})
    network = build_network(params)
    with TrainablePart(network, params, TRAIN, VAL) as part:
        data = part.data()
        assert part.views == 2, "damage varies pictures"
        pictures = learning_part(changed(params, cache={"max_gb": 0.0})).data().val
        whole = network.predict_on_batch(pictures.inputs(INDICES % 20, 0))
        np.testing.assert_allclose(part.network.predict_on_batch(data.val.inputs(INDICES % 20, 0)), whole, atol=0.02)
        assert len(fit(part.network, lambda: data, params)) == params.epochs


def test_without_augmentation_one_view_serves_all_epochs(params: TrainParams) -> None:
    with learning_part(changed(params, augmentation={"strength": 0.0})) as part:
        data = part.data()
        assert part.views == 1
        assert np.array_equal(data.train.inputs(INDICES, 0), data.train.inputs(INDICES, 1))
    assert len(stored()) == 2


def test_there_are_no_more_views_than_epochs(params: TrainParams) -> None:
    assert learning_part(changed(params, augmentation={"views": 9})).views == params.epochs == 2


def test_a_second_training_computes_nothing(params: TrainParams, capsys: pytest.CaptureFixture[str]) -> None:
    with learning_part(params) as part:
        part.data()
    assert "frozen layers computed for 320 pictures in" in capsys.readouterr().out
    keys = stored()
    with learning_part(params) as part:
        part.data()
    assert part.use is not None
    assert (part.use.computed, part.use.reused) == (0, 320)
    assert part.use.gigabytes == pytest.approx(320 * GB_A_PICTURE)
    assert stored() == keys
    assert capsys.readouterr().out == (
        "frozen up to stage2_block1_out: 150 pictures in 2 views, 20 of val, 4 KiB each, 0.00 of at most 20 GB; "
        "320 of 320 are there\n"
    )


@pytest.mark.slow
def test_a_deeper_cut_that_is_shared_trains_alike(params: TrainParams) -> None:
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


def test_a_killed_pass_ends_with_the_same_features(params: TrainParams, monkeypatch: pytest.MonkeyPatch) -> None:
    open_runtime, sizes = source.open_runtime, []

    def features() -> np.ndarray:
        with learning_part(params) as part:
            return part.data().train.inputs(np.arange(150), 1)

    def failing(*arguments: object) -> Forward:
        forward = open_runtime(*arguments)

        def compute(batch: np.ndarray) -> np.ndarray:
            if len(sizes) == 5:  # each view takes three batches
                raise KeyboardInterrupt
            sizes.append(len(batch))
            return forward(batch)

        return compute

    whole = features()
    for key in stored():
        assert FeatureCache(0).remove(key)
    monkeypatch.setattr(source, "open_runtime", failing)
    with pytest.raises(KeyboardInterrupt):
        features()
    assert sorted(entry.done for entry in FeatureCache(0).entries()) == [128 / 150, 1.0]
    monkeypatch.setattr(source, "open_runtime", open_runtime)
    assert np.array_equal(features(), whole)
    assert set(sizes) == {source.BATCH}, "another shape would be traced anew"


@pytest.mark.parametrize(
    ("pictures", "views", "said"),
    [
        (320, 2, ""),
        (319, 1, "takes 0.0 GB in 2 views, train.cache.max_gb is 0.00130867: 1 kept\n"),
        (169, 0, "takes 0.0 GB in 2 views, train.cache.max_gb is 0.000694272: computed anew every epoch\n"),
        (0, 0, ""),
    ],
)
def test_a_small_budget_means_fewer_views_and_then_none(
    params: TrainParams, capsys: pytest.CaptureFixture[str], pictures: int, views: int, said: str
) -> None:
    params = changed(params, cache={"max_gb": (pictures + 0.5) * GB_A_PICTURE if pictures else 0.0})
    part = learning_part(params)
    assert part.views == views
    assert (part.parts is None) == (part.network.name == "realfake") == (views == 0)
    out = capsys.readouterr().out
    assert out.endswith(said)
    assert out.count("\n") == (1 if said else 0)


def test_features_that_float16_cannot_hold_stop_the_training(params: TrainParams) -> None:
    network = build_network(params)
    normalization = network.get_layer("backbone").get_layer("stage2_block1_shortcut_bn")
    normalization.beta.assign(normalization.beta + 1e6)
    with (
        TrainablePart(network, params, TRAIN, VAL) as part,
        pytest.raises(UserError, match=r"float16 cannot hold; set train.cache.max_gb: 0.0"),
    ):
        part.data()


def test_a_missing_runtime_is_said_before_anything_is_computed(
    params: TrainParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Iterator[str]:
        raise UserError("not installed")

    monkeypatch.setattr(source, "runtime_versions", missing)
    with learning_part(params) as part, pytest.raises(UserError, match="not installed"):
        part.data()
    assert stored() == []
