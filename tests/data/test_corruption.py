"""Each kind of damage does what its name says, grows with its severity, and returns a valid picture."""

import io

import numpy as np
import pytest
from PIL import Image

from realfake.data import corruption
from realfake.data.corruption import SUITE, blur, corrupt, jpeg, noise

SMOOTH = np.add.outer(np.arange(32) * 5, np.arange(32) * 2)[..., None].repeat(3, 2).astype(np.uint8)
PICTURE = (SMOOTH + np.random.default_rng(0).integers(-30, 31, SMOOTH.shape).clip(-SMOOTH, 20)).astype(np.uint8)


def change(picture: np.ndarray, kind: str, severity: float) -> float:
    """Return the mean absolute change of a pixel value over twenty random draws."""
    apply = SUITE[kind].apply
    damaged = [apply(picture, severity, np.random.default_rng(seed)).astype(float) for seed in range(20)]
    return float(np.mean([np.abs(one - picture).mean() for one in damaged]))


@pytest.mark.parametrize("kind", SUITE)
def test_damage_grows_with_severity(kind):
    changes = [change(PICTURE, kind, severity) for severity in SUITE[kind].severities]
    assert changes == sorted(changes)
    assert changes[0] < changes[-1]


@pytest.mark.parametrize("kind", SUITE)
def test_shape_and_dtype_are_kept_and_the_original_is_not_modified(kind):
    before = PICTURE.copy()
    for severity in SUITE[kind].severities:
        damaged = SUITE[kind].apply(PICTURE, severity, np.random.default_rng(0))
        assert (damaged.shape, damaged.dtype) == (PICTURE.shape, np.uint8)
    assert np.array_equal(PICTURE, before)


def test_jpeg_agrees_with_pillow_at_the_same_quality():
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG", quality=40, subsampling="4:2:0")
    theirs = np.asarray(Image.open(file)).astype(int)
    assert np.abs(jpeg(PICTURE, 40, np.random.default_rng(0)).astype(int) - theirs).mean() < 1


def test_noise_has_the_stated_sigma_and_no_bias():
    grey = np.full((256, 256, 3), 128, dtype=np.uint8)
    noisy = noise(grey, 0.1, np.random.default_rng(0)).astype(float) - 128
    assert abs(noisy.mean()) < 0.3
    assert noisy.std() == pytest.approx(25.5, rel=0.02)


def test_blur_has_the_stated_sigma():
    point = np.zeros((33, 33, 3), dtype=np.uint8)
    point[16, 16] = 255
    spread = blur(point, 1.0, np.random.default_rng(0))[..., 0].astype(float)
    variance = (spread.sum(axis=1) * (np.arange(33) - 16) ** 2).sum() / spread.sum()
    assert variance == pytest.approx(1.0, rel=0.1)


def test_white_and_black_do_not_wrap_around():
    for value in (0, 255):
        flat = np.full((32, 32, 3), value, dtype=np.uint8)
        for kind in SUITE:
            damaged = SUITE[kind].apply(flat, SUITE[kind].severities[-1], np.random.default_rng(1))
            assert abs(float(damaged.mean()) - value) < 100, kind


def test_training_damage_depends_only_on_its_random_generator():
    once, again = (corrupt(PICTURE, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(once, again)
    others = [corrupt(PICTURE, np.random.default_rng(seed)) for seed in range(40)]
    assert len({one.tobytes() for one in others}) > 25


def test_training_damage_changes_every_picture_and_ends_as_jpeg_three_times_in_four(monkeypatch):
    saved = []
    monkeypatch.setattr(
        corruption,
        "TRAINING_STEPS",
        tuple((p, tuple((spy(apply, saved), *r) for apply, *r in kinds)) for p, kinds in corruption.TRAINING_STEPS),
    )
    orders = []
    for seed in range(2000):
        saved.clear()
        corrupt(PICTURE, np.random.default_rng(seed))
        orders.append(tuple(saved))
    assert all(orders)
    assert np.mean([order[-1] == "jpeg" for order in orders]) == pytest.approx(3 / 4, abs=0.03)
    assert np.mean(["noise" in order for order in orders]) == pytest.approx(3 / 8, abs=0.03)
    assert {name for order in orders for name in order} == set(SUITE) - {"chat", "camera"}


def spy(apply, names):
    """Wrap a kind of damage so that it records its name when it is applied."""

    def applied(picture, severity, random):
        names.append(apply.__name__)
        return apply(picture, severity, random)

    return applied
