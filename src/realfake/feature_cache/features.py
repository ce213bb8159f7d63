"""The trainable part of a network and its input: kept outputs of the frozen layers, or the pictures themselves.

Backpropagation ends at the first trainable layer, so all layers before it give the same output in every epoch. That is
computed once for each picture (and each augmented view), and shared by every training with the same frozen layers and
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
    """What the feature cache did for a training."""

    views: int
    """Kept versions of each training picture."""
    computed: int
    """Pictures that went through the frozen layers now, each view counted."""
    reused: int
    """Those that were there already."""
    seconds: float
    """Time from the start until all was there."""
    gigabytes: float
    """What the features take on disk."""


class TrainablePart:
    """The trainable part of a network, and the data that this part takes.

    With frozen layers and a budget that holds their output these are the layers behind them (shared with the network,
    so that training them trains the network) and kept features; else the network itself and the pictures. Which of them
    depends on params and the number of pictures alone, never on the machine, so that the result does too.

    Args:
        network: from `build_network`.
        params: what it was built from.
        train: pictures uint8 (N, S, S, 3) and labels uint8 (N,).
        val: likewise.
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
        self.views = _views(parts, params, len(train[0]), len(val[0])) if parts else 0
        """Kept versions of each training picture, of which epochs take turns; 0 without a cache."""
        self.parts = parts if self.views else None
        """The two parts of the network; None without a cache."""
        self.network = self.parts.trainable if self.parts else network
        """What `fit` trains."""
        self.use: CacheUse | None = None
        """What the cache did, once `data` was called; None without a cache."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def data(self) -> TrainingData:
        """Return what the trainable part takes; features that are not kept yet are computed first.

        They can be read until the context ends.

        Raises:
            UserError: the disk is full, the runtime is not installed, the features do not fit float16.
        """
        (train, train_labels), (val, val_labels), params = self._train, self._val, self._params
        if self.parts is None:
            augment = Augmenter(params.augmentation, params.seed, train.shape[1])
            examples = PictureExamples(train, params.image_size, augment, params.augmentation.views)
            return TrainingData(examples, train_labels, PictureExamples(val, params.image_size), val_labels)
        features = self._features(self.parts)
        return TrainingData(FeatureExamples(features[:-1]), train_labels, FeatureExamples(features[-1:]), val_labels)

    def _features(self, parts: Partition) -> list[Features]:
        """The views of train, then val."""
        started = time.perf_counter()
        source = FeatureSource(parts, self._params, self._train)
        views = range(self.views) if changes_pictures(self._params.augmentation) else [None]
        wanted = [source.view("train", self._train[0], view) for view in views]
        wanted.append(source.view("val", self._val[0], None))
        entries = [entry for entry, _ in wanted]
        budget, size = self._params.cache.max_gb, sum(entry.size for entry in entries) / 1e9
        count, reused = (sum(entry.shape[0] for entry in some) for some in (entries, filter(self._cache.has, entries)))
        print(
            f"frozen up to {parts.layer}: {len(self._train[1]):,} pictures in {self.views} "
            f"view{'s'[: self.views > 1]}, {len(self._val[1]):,} of val, "
            f"{np.prod(parts.shape) * 2 / 1024:,.0f} KiB each, {size:.2f} of at most {budget:g} GB; "
            f"{reused:,} of {count:,} are there",
            flush=True,
        )
        self._cache.make_room(entries)
        opened: dict[str, Features] = {}
        for entry, compute in sorted(wanted, key=lambda one: not self._cache.has(one[0])):  # others may not evict these
            opened[entry.key] = self._opened.enter_context(self._cache.features(entry, compute))
        features = [opened[entry.key] for entry in entries]
        seconds = time.perf_counter() - started
        if reused < count:
            print(f"frozen layers computed for {count - reused:,} pictures in {seconds:.0f} s", flush=True)
        self.use = CacheUse(self.views, count - reused, reused, seconds, size)
        return features

    @cached_property
    def _cache(self) -> FeatureCache:
        return FeatureCache(int(self._params.cache.max_gb * 1e9))


def _views(parts: Partition, params: TrainParams, train: int, val: int) -> int:
    """How many views of each training picture the budget holds, at most one an epoch; 0: not even one."""
    picture = int(np.prod(parts.shape)) * 2
    budget = params.cache.max_gb * 1e9
    augmentation = params.augmentation
    views = min(augmentation.views or params.epochs, params.epochs) if changes_pictures(augmentation) else 1
    fitting = max(0, min(views, int((budget - val * picture) // (train * picture))))
    if fitting < views and budget:
        needed = (train * views + val) * picture / 1e9
        print(
            f"the frozen layers' output takes {needed:.1f} GB in {views} views, train.cache.max_gb is "
            f"{params.cache.max_gb:g}: " + (f"{fitting} kept" if fitting else "computed anew every epoch"),
            flush=True,
        )
    return fitting
