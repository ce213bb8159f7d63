"""Provide the trainable part of a network and its training data: cached features, or the pictures themselves.

Backpropagation ends at the first trainable layer, so the layers before it give the same output in every epoch. This
output is computed once per picture and augmented view, and shared by all trainings with the same frozen layers and
data.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import keras
import numpy as np

from realfake.config.schema import TrainParams
from realfake.core.arrays import Features
from realfake.data.augmentation import Augmenter, changes_pictures
from realfake.data.examples import FeatureExamples, PictureExamples, TrainingData
from realfake.feature_cache.partition import Partition, partition_network
from realfake.feature_cache.source import FeatureSource, LabelledPictures
from realfake.feature_cache.store import FeatureCache


@dataclass(frozen=True)
class CacheUse:
    """Count what a training took from the feature cache and what it added."""

    views: int
    """Number of cached augmented views per training picture."""
    computed: int
    """Pictures whose features were computed now; each view counts."""
    reused: int
    """Pictures whose features were cached already (cache hits); each view counts."""
    seconds: float
    """Time until all features were available, in seconds."""
    gigabytes: float
    """Size of the features on disk in GB (10**9 bytes)."""


class TrainablePart:
    """Give the trainable part of a network and its training data.

    If the network has frozen layers and the cache budget holds their output, the trainable part is the layers behind
    them, and its data is cached features. The layers are shared with the network, so training them trains the network.
    Otherwise the trainable part is the whole network, and its data is pictures. Only the parameters and the number of
    pictures decide between the two, never the machine, so that the result does not depend on the machine either.

    Args:
        network: a network from `build_network`.
        params: the parameters that the network was built from.
        train: training pictures uint8 (N, S, S, 3) and labels uint8 (N,).
        val: validation pictures and labels, of the same types.
        depth: unfreeze depth at which the network is divided, see `partition_network`.
    """

    def __init__(
        self,
        network: keras.Model,
        params: TrainParams,
        train: LabelledPictures,
        val: LabelledPictures,
        depth: int | None = None,
    ) -> None:
        self._params, self._train, self._val, self._opened = params, train, val, ExitStack()
        parts = partition_network(network, params, depth)
        self.views = _count_views(parts, params, len(train[0]), len(val[0])) if parts else 0
        """Number of cached views per training picture, which epochs use in turn; 0 without cached features."""
        self.parts = parts if self.views else None
        """The two parts of the network; None without cached features."""
        self.network = self.parts.trainable if self.parts else network
        """The network to pass to `fit`."""
        self.use: CacheUse | None = None
        """Use of the cache, set by `data`; None without cached features."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def data(self) -> TrainingData:
        """Return the training data of the trainable part, after computing features that are not cached yet.

        The data can be read until the context ends.

        Raises:
            UserError: the disk is full, the runtime is not installed, or the features exceed float16.
        """
        (train, train_labels), (val, val_labels), params = self._train, self._val, self._params
        if self.parts is None:
            augment = Augmenter(params.augmentation, params.seed, train.shape[1])
            examples = PictureExamples(train, params.image_size, augment, params.augmentation.views)
            return TrainingData(examples, train_labels, PictureExamples(val, params.image_size), val_labels)
        features = self._features(self.parts)
        return TrainingData(FeatureExamples(features[:-1]), train_labels, FeatureExamples(features[-1:]), val_labels)

    def _features(self, parts: Partition) -> list[Features]:
        """Open the features of each view of train, then those of val; compute the ones that are not cached."""
        started = time.perf_counter()
        source = FeatureSource(parts, self._params, self._train)
        views = range(self.views) if changes_pictures(self._params.augmentation) else [None]
        requests = [source.request("train", self._train[0], view) for view in views]
        requests.append(source.request("val", self._val[0], None))
        specs = [spec for spec, _ in requests]
        budget, size = self._params.cache.max_gb, sum(spec.size for spec in specs) / 1e9
        count, reused = (sum(spec.shape[0] for spec in some) for some in (specs, filter(self._cache.has, specs)))
        print(
            f"frozen up to {parts.layer}: {len(self._train[1]):,} pictures in {self.views} "
            f"view{'s'[: self.views > 1]}, {len(self._val[1]):,} of val, "
            f"{np.prod(parts.shape) * 2 / 1024:,.0f} KiB each, {size:.2f} of at most {budget:g} GB; "
            f"{reused:,} of {count:,} are cached",
            flush=True,
        )
        self._cache.make_room(specs)
        opened: dict[str, Features] = {}
        # Open cached entries first, so that no other process evicts them while the rest is computed.
        for spec, compute in sorted(requests, key=lambda request: not self._cache.has(request[0])):
            opened[spec.key] = self._opened.enter_context(self._cache.features(spec, compute))
        features = [opened[spec.key] for spec in specs]
        seconds = time.perf_counter() - started
        if reused < count:
            print(f"computed the frozen layers' output for {count - reused:,} pictures in {seconds:.0f} s", flush=True)
        self.use = CacheUse(self.views, count - reused, reused, seconds, size)
        return features

    @cached_property
    def _cache(self) -> FeatureCache:
        return FeatureCache(int(self._params.cache.max_gb * 1e9))


def _count_views(parts: Partition, params: TrainParams, train: int, val: int) -> int:
    """Return how many views of each training picture fit into the cache budget, at most one per epoch.

    Args:
        parts: the two parts of the network.
        params: training parameters.
        train: number of training pictures.
        val: number of validation pictures.
    """
    picture = int(np.prod(parts.shape)) * 2  # bytes of one picture's features
    budget = params.cache.max_gb * 1e9
    augmentation = params.augmentation
    views = min(augmentation.views or params.epochs, params.epochs) if changes_pictures(augmentation) else 1
    fitting = max(0, min(views, int((budget - val * picture) // (train * picture))))
    if fitting < views and budget:
        needed = (train * views + val) * picture / 1e9
        print(
            f"the frozen layers' output takes {needed:.1f} GB in {views} views, but train.cache.max_gb is "
            f"{params.cache.max_gb:g}: "
            + (f"{fitting} of them cached" if fitting else "nothing is cached, every epoch computes it again"),
            flush=True,
        )
    return fitting
