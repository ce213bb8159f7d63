"""Pictures are augmented and scaled, cached features are returned unchanged, and epochs use the views in turn."""

import numpy as np
import pytest
from conftest import toy_pictures

from realfake.config.schema import AugmentationParams
from realfake.data.augmentation import Augmenter
from realfake.data.examples import FeatureExamples, PictureExamples
from realfake.data.images import network_input

PICTURES, _ = toy_pictures(8, seed=0)
CHOSEN = np.array([5, 0, 3])


def test_pictures_without_augmentation_are_the_same_in_every_epoch() -> None:
    examples = PictureExamples(PICTURES, 48)
    for epoch in (0, 3):
        assert np.array_equal(examples.inputs(CHOSEN, epoch), network_input(PICTURES[CHOSEN], 48))


@pytest.mark.parametrize(("views", "seen"), [(None, [0, 1, 2, 3, 4]), (2, [0, 1, 0, 1, 0]), (1, [0, 0, 0, 0, 0])])
def test_epochs_use_the_views_in_turn(views: int | None, seen: list[int]) -> None:
    augment = Augmenter(AugmentationParams(strength=1.0, corruption=0.0, views=None), 7, 32)
    examples = PictureExamples(PICTURES, 32, augment, views)
    for epoch, view in enumerate(seen):
        expected = network_input(augment(PICTURES[CHOSEN], CHOSEN, view), 32)
        assert np.array_equal(examples.inputs(CHOSEN, epoch), expected)
    assert not np.array_equal(augment(PICTURES[CHOSEN], CHOSEN, 0), augment(PICTURES[CHOSEN], CHOSEN, 1))


def test_features_are_those_of_the_epochs_view_as_float32() -> None:
    views = [np.random.default_rng(view).random((8, 2, 2, 5)).astype(np.float16) for view in range(3)]
    examples = FeatureExamples(views)
    for epoch, view in enumerate([0, 1, 2, 0, 1]):
        inputs = examples.inputs(CHOSEN, epoch)
        assert inputs.dtype == np.float32
        assert np.array_equal(inputs, views[view][[5, 0, 3]])
