"""Provide a network's training examples: pictures, or cached outputs of its frozen feature extractor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Features, Inputs, Labels, Pictures
from realfake.data.augmentation import Augmenter
from realfake.data.images import network_input

Indices = npt.NDArray[np.int64]
"""int64 (n,): indices of examples."""


class Examples(Protocol):
    """Give the input of the network that is trained, for examples chosen by their indices."""

    def inputs(self, indices: Indices, epoch: int) -> Inputs:
        """Return the network's input for some examples in an epoch (counted from 0), float32 (len(indices), ...)."""


class PictureExamples:
    """Give pictures to a network that is trained as a whole: augmented at source size, then scaled to its input.

    Args:
        pictures: uint8 (N, S, S, 3), in memory or memory-mapped.
        image_size: side of the network's input in pixels.
        augment: augmentation of the pictures; None for unchanged pictures.
        views: augmented views per picture, which epochs use in turn; None for a new view in every epoch.
    """

    def __init__(
        self, pictures: Pictures, image_size: int, augment: Augmenter | None = None, views: int | None = None
    ) -> None:
        self._pictures, self._image_size, self._augment, self._views = pictures, image_size, augment, views

    def inputs(self, indices: Indices, epoch: int) -> Inputs:
        """Return the network's input, float32 (len(indices), image_size, image_size, 3) in [0, 1]."""
        chosen = self._pictures[indices]
        if self._augment is not None:
            chosen = self._augment(chosen, indices, epoch % self._views if self._views else epoch)
        return network_input(chosen, self._image_size)


class FeatureExamples:
    """Give cached features to the trainable part of a network.

    Args:
        views: features of each augmented view, float16 (N, ...), memory-mapped; epoch e uses view e modulo len(views).
    """

    def __init__(self, views: Sequence[Features]) -> None:
        self._views = views

    def inputs(self, indices: Indices, epoch: int) -> Inputs:
        """Return the input of the trainable part, float32 (len(indices), ...)."""
        return self._views[epoch % len(self._views)][indices].astype(np.float32)


@dataclass(frozen=True)
class TrainingData:
    """Hold the examples that a network is trained on, and those of val by which its best epoch is chosen."""

    train: Examples
    train_labels: Labels
    val: Examples
    val_labels: Labels
