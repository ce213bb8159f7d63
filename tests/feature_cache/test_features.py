"""Which features a training needs, under which names they are kept, and that the trunk makes them of pictures."""

from collections.abc import Iterator

import numpy as np
import pytest
from conftest import toy_pictures

from realfake.config.schema import TrainParams
from realfake.core.errors import UserError
from realfake.feature_cache import features as trunk_features
from realfake.feature_cache.features import LearningPart, _Source
from realfake.feature_cache.split import cut_network
from realfake.feature_cache.store import TrunkCache
from realfake.models.builder import build_network
from realfake.training.loop import fit

TRAIN, VAL = toy_pictures(150, seed=0), toy_pictures(20, seed=1)
GB_A_PICTURE = 16 * 16 * 8 * 2 / 1e9
INDICES = np.array([149, 3, 70])


def changed(params: TrainParams, **groups: dict[str, object]) -> TrainParams:
    """Parameters with some of them changed: changed(params, augmentation={"strength": 0.0})."""
    values = params.model_dump()
    for name, value in groups.items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return TrainParams.model_validate(values)


@pytest.fixture
def params(train_params: TrainParams, project: object) -> TrainParams:
    """A part of the last block learns: the trunk ends before it, with 16 x 16 x 8 numbers a picture."""
    return changed(train_params, unfreeze=5)


def learning_part(params: TrainParams, depth: int | None = None) -> LearningPart:
    return LearningPart(build_network(params), params, TRAIN, VAL, depth)


def stored() -> list[str]:
    return sorted(entry.key for entry in TrunkCache(0).entries())


@pytest.mark.parametrize(("views", "kept"), [(None, 3), (2, 2)])
def test_kept_views_are_what_augmenting_online_would_show(params: TrainParams, views: int | None, kept: int) -> None:
    params = changed(params, epochs=3, augmentation={"strength": 0.8, "views": views})
    online = learning_part(changed(params, cache={"max_gb": 0.0})).data()
    with learning_part(params) as part:
        assert part.cut is not None
        assert part.views == kept
        data = part.data()
        seen = []
        for epoch in range(params.epochs):
            expected = np.asarray(part.cut.trunk(online.train.inputs(INDICES, epoch)))
            seen.append(data.train.inputs(INDICES, epoch))
            np.testing.assert_allclose(seen[-1], expected, rtol=2e-3, atol=1e-3)
        assert not np.allclose(seen[0], seen[1], rtol=0.1, atol=0.1)
        assert np.array_equal(seen[0], seen[2]) == (kept == 2)
        expected = np.asarray(part.cut.trunk(online.val.inputs(np.arange(20), 0)))
        np.testing.assert_allclose(data.val.inputs(np.arange(20), 0), expected, rtol=2e-3, atol=1e-3)
    assert part.use is not None
    assert (part.use.computed, part.use.reused) == (kept * 150 + 20, 0)


@pytest.mark.slow
def test_a_trunk_in_bfloat16_gives_what_the_whole_network_would(params: TrainParams) -> None:
    params = changed(params, precision="bfloat16", augmentation={"strength": 0.0, "corruption": 0.5})
    network = build_network(params)
    with LearningPart(network, params, TRAIN, VAL) as part:
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
        with LearningPart(network, params, TRAIN, VAL, depth) as part:
            fit(part.network, part.data, params)
            assert part.cut is not None
            layers.append(part.cut.layer)
        weights.append(network.get_layer("dense").kernel.numpy())
    start = build_network(params).get_layer("dense").kernel.numpy()
    assert layers[0] == "pool" != layers[1]
    difference = np.linalg.norm(weights[0] - weights[1]) / np.linalg.norm(weights[0] - start)
    assert 0 < difference < 0.05


def test_a_killed_pass_ends_with_the_same_features(params: TrainParams, monkeypatch: pytest.MonkeyPatch) -> None:
    open_runtime, sizes = trunk_features.open_runtime, []

    def features() -> np.ndarray:
        with learning_part(params) as part:
            return part.data().train.inputs(np.arange(150), 1)

    def failing(*arguments: object) -> trunk_features.Forward:
        forward = open_runtime(*arguments)

        def compute(batch: np.ndarray) -> np.ndarray:
            if len(sizes) == 5:  # each view takes three batches
                raise KeyboardInterrupt
            sizes.append(len(batch))
            return forward(batch)

        return compute

    whole = features()
    for key in stored():
        assert TrunkCache(0).remove(key)
    monkeypatch.setattr(trunk_features, "open_runtime", failing)
    with pytest.raises(KeyboardInterrupt):
        features()
    assert sorted(entry.done for entry in TrunkCache(0).entries()) == [128 / 150, 1.0]
    monkeypatch.setattr(trunk_features, "open_runtime", open_runtime)
    assert np.array_equal(features(), whole)
    assert set(sizes) == {trunk_features.BATCH}, "another shape would be traced anew"


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
    assert (part.cut is None) == (part.network.name == "realfake") == (views == 0)
    out = capsys.readouterr().out
    assert out.endswith(said)
    assert out.count("\n") == (1 if said else 0)


def test_the_key_covers_all_that_determines_features(params: TrainParams) -> None:
    network = build_network(params)

    def key(params: TrainParams, pictures: np.ndarray = TRAIN[0], view: int | None = 0, depth: int = 5) -> str:
        cut = cut_network(network, params, depth)
        assert cut is not None
        return _Source(cut, params, TRAIN).view("train", pictures, view)[0].key

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
    cut = cut_network(build_network(params), params)
    assert cut is not None
    for runtime, differs in (("onnxruntime", False), ("onnxruntime_int8", True)):
        calibrated = changed(params, cache={"runtime": runtime})
        one, other = (_Source(cut, calibrated, train).view("val", VAL[0], None)[0].key for train in (TRAIN, VAL))
        assert (one != other) == differs


def test_a_seed_names_views_but_not_pictures_as_they_are(params: TrainParams) -> None:
    cut = cut_network(build_network(params), params)
    assert cut is not None
    one, other = (_Source(cut, changed(params, seed=seed), TRAIN) for seed in (1, 2))
    assert one.view("train", TRAIN[0], 0)[0].key != other.view("train", TRAIN[0], 0)[0].key
    assert one.view("val", VAL[0], None)[0].key == other.view("val", VAL[0], None)[0].key


def test_the_code_and_the_machine_stand_in_the_key(params: TrainParams, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = cut_network(build_network(params), params)
    assert cut is not None

    def key() -> str:
        return _Source(cut, params, TRAIN).view("train", TRAIN[0], 0)[0].key

    keys = {key()}
    for name, value in (("rounding_label", lambda: "other"), ("code_digest", lambda *modules, without: "changed")):
        with monkeypatch.context() as patch:
            patch.setattr(trunk_features, name, value)
            keys.add(key())
    assert len(keys) == 3


def test_features_that_float16_cannot_hold_stop_the_training(params: TrainParams) -> None:
    network = build_network(params)
    normalization = network.get_layer("backbone").get_layer("stage2_block1_shortcut_bn")
    normalization.beta.assign(normalization.beta + 1e6)
    with (
        LearningPart(network, params, TRAIN, VAL) as part,
        pytest.raises(UserError, match=r"float16 cannot hold; set train.cache.max_gb: 0.0"),
    ):
        part.data()


@pytest.mark.parametrize("value", [1e6, np.inf, np.nan, 1e-6])
def test_values_that_float16_cannot_hold_are_refused(value: float) -> None:
    with pytest.raises(UserError, match=r"float16 cannot hold; set train.cache.max_gb: 0.0"):
        trunk_features.as_float16(np.full((2, 3), value, np.float32))
    assert not trunk_features.as_float16(np.zeros((2, 3), np.float32)).any()


def test_a_missing_runtime_is_said_before_anything_is_computed(
    params: TrainParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Iterator[str]:
        raise UserError("not installed")

    monkeypatch.setattr(trunk_features, "runtime_versions", missing)
    with learning_part(params) as part, pytest.raises(UserError, match="not installed"):
        part.data()
    assert stored() == []
