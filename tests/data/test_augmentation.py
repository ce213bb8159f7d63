"""An augmented view depends only on the parameters, the seed, the epoch and the picture's index."""

import numpy as np
import pytest

from realfake.config.schema import AugmentationParams
from realfake.data.augmentation import Augmenter

PICTURES = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
INDICES = np.arange(24)


def varied(strength: float, corruption: float = 0.0) -> AugmentationParams:
    return AugmentationParams(strength=strength, corruption=corruption, views=None)


def test_strength_zero_changes_nothing():
    assert np.array_equal(Augmenter(varied(0.0), 1, 32)(PICTURES, INDICES, 0), PICTURES)


@pytest.mark.parametrize("params", [varied(1.0), varied(0.0, 1.0), varied(0.5, 0.5)])
def test_views_do_not_depend_on_order_batch_or_process(params):
    whole = Augmenter(params, 1, 32)(PICTURES, INDICES, 3)
    again = Augmenter(params, 1, 32)
    again(PICTURES[:5], INDICES[:5], 0)  # earlier views must not matter
    assert np.array_equal(again(PICTURES[::-1], INDICES[::-1], 3)[::-1], whole)
    assert (whole.shape, whole.dtype) == (PICTURES.shape, np.uint8)


@pytest.mark.parametrize(("seed", "epoch"), [(2, 3), (1, 4)])
def test_another_seed_or_epoch_gives_other_views(seed, epoch):
    one = Augmenter(varied(1.0), 1, 32)(PICTURES, INDICES, 3)
    other = Augmenter(varied(1.0), seed, 32)(PICTURES, INDICES, epoch)
    assert sum(not np.array_equal(a, b) for a, b in zip(one, other, strict=True)) > 20


def test_greater_strength_changes_pictures_more():
    flat = np.tile(np.linspace(50, 200, 32, dtype=np.uint8)[:, None], (64, 1, 32, 3)).reshape(64, 32, 32, 3)
    change = [
        np.abs(Augmenter(varied(strength), 1, 32)(flat, np.arange(64), 0).astype(int) - flat).mean()
        for strength in (0.1, 0.5, 1.0)
    ]
    assert 0 < change[0] < change[1] < change[2]


@pytest.mark.parametrize("fraction", [0.25, 0.75])
def test_the_stated_fraction_of_views_is_damaged(fraction):
    many = np.tile(PICTURES, (20, 1, 1, 1))
    views = Augmenter(varied(0.0, fraction), 1, 32)(many, np.arange(len(many)), 0)
    damaged = np.mean([not np.array_equal(view, picture) for view, picture in zip(views, many, strict=True)])
    assert damaged == pytest.approx(fraction, abs=0.08)
