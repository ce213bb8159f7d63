"""What a network learns from: pictures, or what its frozen layers made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Features, Inputs, Labels, Pictures
from realfake.data.augmentation import Augmenter
from realfake.data.images import network_input

Indices = npt.NDArray[np.int64]


class Examples(Protocol):
    """Pictures, or what frozen layers made of them, in the form that the learning network takes."""

    def inputs(self, indices: Indices, epoch: int) -> Inputs:
        """What the network sees of the examples `indices` in an epoch, counted from 0; float32 (len(indices), ...)."""


class PictureExamples:
    """Pictures for a network that computes all of its layers: augmented at source size, scaled, upscaled.

    Args:
        pictures: uint8 (N, S, S, 3), in memory or memory-mapped.
        image_size: side of the network's input.
        augment: how they are varied; None shows them as they are.
        views: varied versions of each picture, after which they come again; None makes a new one every epoch.
    """

    def __init__(
        self, pictures: Pictures, image_size: int, augment: Augmenter | None = None, views: int | None = None
    ) -> None:
        self._pictures, self._image_size, self._augment, self._views = pictures, image_size, augment, views

    def inputs(self, indices: Indices, epoch: int) -> Inputs:
        """What the network sees, float32 (len(indices), image_size, image_size, 3) in [0, 1]."""
        chosen = self._pictures[indices]
        if self._augment is not None:
            chosen = self._augment(chosen, indices, epoch % self._views if self._views else epoch)
        return network_input(chosen, self._image_size)


class FeatureExamples:
    """Kept outputs of frozen layers, for the network behind them.

    Args:
        views: an array for each view, memory-mapped; epoch e sees view e, after the last one the first again.
    """

    def __init__(self, views: Sequence[Features]) -> None:
        self._views = views

    def inputs(self, indices: Indices, epoch: int) -> Inputs:
        """What the network behind the frozen layers sees, as float32."""
        return self._views[epoch % len(self._views)][indices].astype(np.float32)


@dataclass(frozen=True)
class TrainingData:
    """What a network learns from and is chosen on; labels uint8 (N,)."""

    train: Examples
    train_labels: Labels
    val: Examples
    val_labels: Labels
