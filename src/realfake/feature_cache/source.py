"""Where kept features come from: all that determines their bytes, and the pass that computes them."""

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
"""Pictures that the frozen layers compute at once; part of what determines the bytes."""
CALIBRATION_PICTURES = 128
"""Pictures of train that set the ranges of a runtime that computes in integers."""

LabelledPictures = tuple[Pictures, Labels]
"""Pictures uint8 (N, S, S, 3) and labels uint8 (N,)."""


class FeatureSource:
    """Names what features come from, and computes them.

    Args:
        parts: the network, divided behind its frozen layers.
        params: what it was built from.
        train: pictures and labels of train, a few of which calibrate a runtime that computes in integers.
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
            # not the frozen network's builder: its layers and weights are digested themselves
            "code": [code_digest("feature_cache.source", without=("feature_cache.partition",)), library_versions()],
            "machine": [rounding_label(), *keras.distribution.list_devices()],
        }
        self._digests: dict[str, str] = {}

    def view(self, split: str, pictures: Pictures, view: int | None) -> tuple[EntrySpec, Compute]:
        """Name the entry for pictures of a split, and what computes it.

        Args:
            split: what the pictures are called.
            pictures: uint8 (N, S, S, 3).
            view: which augmented view of them; None shows them as they are.
        """
        params = self._params
        varied = params.augmentation
        augmented = None if view is None else [varied.strength, varied.corruption, params.seed, view]
        if split not in self._digests:
            self._digests[split] = _digest(pictures)
        identity = self._common | {"pictures": self._digests[split], "view": augmented}
        shown = "as they are" if view is None else f"view {view + 1} at strength {varied.strength:g}"
        about: dict[str, Any] = {
            "title": f"{self._network}: {split}, {shown}",
            "runtime": params.cache.runtime,
            "seed": None if view is None else params.seed,
        }
        wanted = EntrySpec(identity, about, (len(pictures), *self._parts.shape))
        return wanted, partial(self._compute, f"{split}, {shown}", pictures, view)

    def _compute(self, title: str, pictures: Pictures, view: int | None, done: int) -> Iterator[Features]:
        """Features in batches that always begin at the same pictures: a killed pass ends with the same bytes."""
        if self._forward is None:
            self._forward = open_runtime(self._params.cache.runtime, self._parts.frozen, self._calibration)
        size, params = pictures.shape[1], self._params
        augment = None if view is None else Augmenter(params.augmentation, params.seed, size)
        examples = PictureExamples(pictures, params.image_size, augment)
        starts = range(done, len(pictures), BATCH)

        def inputs(place: int) -> Inputs:
            chosen = np.arange(starts[place], min(starts[place] + BATCH, len(pictures)))
            made = examples.inputs(chosen, view or 0)
            padding = BATCH - len(made)  # one shape for all batches: another would be traced anew
            return np.pad(made, [(0, padding), (0, 0), (0, 0), (0, 0)]) if padding else made

        with tqdm(total=len(pictures), initial=done, desc=title, unit="picture", leave=False, disable=None) as bar:
            for start, batch in zip(starts, Prefetched(inputs, len(starts)), strict=True):
                features = self._forward(batch)[: len(pictures) - start]
                bar.update(len(features))
                yield as_float16(features)


def _calibration_inputs(train: LabelledPictures, image_size: int) -> Inputs:
    pictures, labels = train
    return network_input(pictures[balanced_sample(labels, CALIBRATION_PICTURES, seed=0)], image_size)


def as_float16(features: npt.NDArray[np.float32]) -> Features:
    """Round features to half precision.

    Raises:
        UserError: one is no number, or the largest is too large or too small for float16.
    """
    with np.errstate(over="ignore"):
        rounded = features.astype(np.float16)
    largest = float(max(features.max(), -features.min()))  # NaN when one value is, which no comparison holds for
    limits = np.finfo(np.float16)
    if not (largest == 0 or float(limits.smallest_normal) <= largest <= float(limits.max)):
        raise UserError(
            f"the frozen layers' output reaches {largest:.3g}, which float16 cannot hold; set train.cache.max_gb: 0.0, "
            "or start from weights that were trained"
        )
    return rounded


def _digest(pixels: Pictures | Inputs) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
