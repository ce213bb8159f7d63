"""Specify cache entries by everything that determines their features' bytes, and compute the features."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from realfake.config.schema import TrainParams
from realfake.core.arrays import Features, Inputs, Labels, Pictures
from realfake.core.code_identity import code_digest
from realfake.core.environment import library_versions, rounding_label
from realfake.core.errors import UserError
from realfake.data.augmentation import Augmenter
from realfake.data.dataset import balanced_sample
from realfake.data.examples import PictureExamples
from realfake.data.images import network_input
from realfake.data.prefetch import Prefetched
from realfake.feature_cache.backends import Forward, open_runtime, runtime_versions
from realfake.feature_cache.entry import Compute, EntrySpec
from realfake.feature_cache.partition import Partition

BATCH = 64
"""Pictures per batch of the frozen layers; the batch size can change the last bits of features."""
CALIBRATION_PICTURES = 128
"""Training pictures that set the ranges of int8."""

LabelledPictures = tuple[Pictures, Labels]
"""Pictures uint8 (N, S, S, 3) and labels uint8 (N,)."""


class FeatureSource:
    """Specify the entries of a network's features, and compute them.

    Args:
        parts: the two parts of the network.
        params: the parameters that the network was built from.
        train: pictures and labels of train, some of which set the ranges of int8.
    """

    def __init__(self, parts: Partition, params: TrainParams, train: LabelledPictures) -> None:
        self._parts, self._params = parts, params
        self._forward: Forward | None = None
        self._network = f"{params.backbone}, {params.image_size} px, to {parts.layer}"
        int8 = params.cache.runtime.endswith("_int8")
        self._calibration = _calibration_inputs(train, params.image_size) if int8 else None
        self._common = {
            "frozen": parts.digest(),
            "runtime": [params.cache.runtime, *runtime_versions(params.cache.runtime)],
            "calibration": None if self._calibration is None else _digest(self._calibration),
            # The code that builds the frozen part is left out, because the digest covers its layers and weights.
            "code": [code_digest("feature_cache.source", without=("feature_cache.partition",)), library_versions()],
            "machine": [rounding_label(), *keras.distribution.list_devices()],
        }
        self._digests: dict[str, str] = {}

    def request(self, split: str, pictures: Pictures, view: int | None) -> tuple[EntrySpec, Compute]:
        """Return the specification of the entry for pictures of a split, and the function that computes it.

        Args:
            split: name of the split, for people.
            pictures: uint8 (N, S, S, 3).
            view: index of the augmented view; None for unchanged pictures.
        """
        params, augmentation = self._params, self._params.augmentation
        augmented = None if view is None else [augmentation.strength, augmentation.corruption, params.seed, view]
        if split not in self._digests:
            self._digests[split] = _digest(pictures)
        identity = self._common | {"pictures": self._digests[split], "view": augmented}
        title = split if view is None else f"{split}, view {view + 1} at strength {augmentation.strength:g}"
        about: dict[str, Any] = {
            "title": f"{self._network}: {title}",
            "runtime": params.cache.runtime,
            "seed": None if view is None else params.seed,
        }
        spec = EntrySpec(identity, about, (len(pictures), *self._parts.shape))
        return spec, partial(self._compute, title, pictures, view)

    def _compute(self, title: str, pictures: Pictures, view: int | None, done: int) -> Iterator[Features]:
        """Yield features of the pictures from `done` on, in batches.

        Progress is saved after whole batches only, so that a continued computation has the same batches and bytes.
        """
        if self._forward is None:
            self._forward = open_runtime(self._params.cache.runtime, self._parts.frozen, self._calibration)
        size, params = pictures.shape[1], self._params
        augment = None if view is None else Augmenter(params.augmentation, params.seed, size)
        examples = PictureExamples(pictures, params.image_size, augment)
        starts = range(done, len(pictures), BATCH)

        def load_batch(step: int) -> Inputs:
            chosen = np.arange(starts[step], min(starts[step] + BATCH, len(pictures)))
            inputs = examples.inputs(chosen, view or 0)
            padding = BATCH - len(inputs)  # all batches have one shape, because TensorFlow traces each shape anew
            return np.pad(inputs, [(0, padding), (0, 0), (0, 0), (0, 0)]) if padding else inputs

        with tqdm(total=len(pictures), initial=done, desc=title, unit="picture", leave=False, disable=None) as bar:
            for start, batch in zip(starts, Prefetched(load_batch, len(starts)), strict=True):
                features = self._forward(batch)[: len(pictures) - start]
                bar.update(len(features))
                yield as_float16(features)


def _calibration_inputs(train: LabelledPictures, image_size: int) -> Inputs:
    pictures, labels = train
    return network_input(pictures[balanced_sample(labels, CALIBRATION_PICTURES, seed=0)], image_size)


def as_float16(features: npt.NDArray[np.float32]) -> Features:
    """Round features to float16.

    Raises:
        UserError: a value is NaN, or the largest magnitude is outside the range of float16.
    """
    with np.errstate(over="ignore"):
        rounded = features.astype(np.float16)
    largest = float(max(features.max(), -features.min()))  # NaN if any value is NaN; comparisons with NaN are False
    limits = np.finfo(np.float16)
    if not (largest == 0 or float(limits.smallest_normal) <= largest <= float(limits.max)):
        raise UserError(
            f"the frozen layers' output reaches {largest:.3g}, which is outside the range of float16; set "
            "train.cache.max_gb: 0.0, or start from pretrained weights"
        )
    return rounded


def _digest(pixels: Pictures | Inputs) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
