"""Augment uint8 pictures at source resolution: `strength` sets geometric and colour changes, `corruption` damage."""

import random
from typing import Any

import numpy as np
import numpy.typing as npt

from realfake.config.schema import AugmentationParams
from realfake.core.arrays import Pictures
from realfake.data.corruption import corrupt


class Augmenter:
    """Make augmented views of training pictures; a view depends only on params, seed, epoch and the picture's index.

    The same (seed, epoch, index) gives the same pixels in any order, batch and process, so a resumed training sees the
    same pictures as an uninterrupted one.

    Args:
        params: strength 0 changes neither geometry nor colour, 1 changes both as far as a person would still see the
            same picture; in between every probability and range is proportional to it. After that the fraction
            `corruption` of the views is damaged by `corruption.corrupt`.
        seed: seed of all random choices.
        size: side S of the pictures in pixels.
    """

    def __init__(self, params: AugmentationParams, seed: int, size: int) -> None:
        self._params, self._seed = params, seed
        self._philox, self._python = np.random.Philox(), random.Random()
        self._random = np.random.Generator(self._philox)
        self._transform = _transform(params.strength, size) if params.strength > 0 else None
        if self._transform is not None:
            self._transform.set_random_state(self._random, self._python)

    def __call__(self, pictures: Pictures, indices: npt.NDArray[np.int64], epoch: int) -> Pictures:
        """Augment a batch.

        Args:
            pictures: uint8 (N, S, S, 3).
            indices: int64 (N,), each picture's index in its split.
            epoch: epoch, counted from 0.

        Returns:
            uint8 (N, S, S, 3).
        """
        if not changes_pictures(self._params):
            return pictures
        views = np.empty_like(pictures)
        for place, index in enumerate(indices):
            self._start_view(epoch, int(index))
            view = pictures[place] if self._transform is None else self._transform(image=pictures[place])["image"]
            damaged = self._params.corruption and self._random.random() < self._params.corruption
            views[place] = corrupt(view, self._random) if damaged else view
        return views

    def _start_view(self, epoch: int, index: int) -> None:
        """Set both random generators to this view's state; that takes a tenth of the time of seeding new ones."""
        self._python.seed(self._seed << 80 | epoch << 48 | index)
        state = self._philox.state
        state["state"] = {
            "counter": np.zeros(4, np.uint64),
            "key": np.array([self._seed << 32 | epoch, index], np.uint64),
        }
        state["buffer_pos"], state["has_uint32"] = 4, 0
        self._philox.state = state


def changes_pictures(params: AugmentationParams) -> bool:
    """Return whether augmentation changes pictures at all."""
    return params.strength > 0 or params.corruption > 0


def _transform(strength: float, size: int) -> Any:
    """Build the albumentations pipeline of flip, shift, brightness, contrast, hue and saturation."""
    import albumentations as A
    import cv2

    shift = round(size / 8 * strength)  # at most 4 of 32 pixels, as in He et al. 2015
    tone = 0.3 * strength
    return A.Compose(
        [
            A.HorizontalFlip(p=min(0.5, strength)),
            A.Pad(shift, border_mode=cv2.BORDER_REFLECT_101, p=1),
            A.RandomCrop(size, size, p=1),
            A.RandomBrightnessContrast(brightness_limit=tone, contrast_limit=tone, p=0.5 * strength),
            A.HueSaturationValue(20 * strength, 40 * strength, 20 * strength, p=0.3 * strength),
        ]
    )
