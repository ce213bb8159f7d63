"""The part of a network that learns, and what it takes: kept outputs of the frozen trunk, or the pictures themselves.

Backpropagation ends where the first learning layer begins, so all before it gives the same output in every epoch: it is
computed once for each picture (and each augmented view), and shared by every training with the same trunk and data.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from realfake.config.schema import TrainParams
from realfake.core.arrays import Features, Inputs, Labels, Pictures
from realfake.core.code_identity import code_digest
from realfake.core.environment import library_versions, rounding_label
from realfake.core.errors import UserError
from realfake.data.augmentation import Augmenter, varies
from realfake.data.dataset import balanced_sample
from realfake.data.examples import FeatureExamples, PictureExamples, TrainingData
from realfake.data.images import network_input
from realfake.data.prefetch import Prefetched
from realfake.feature_cache.backends import Forward, open_runtime, runtime_versions
from realfake.feature_cache.entry import Compute, Wanted
from realfake.feature_cache.split import Cut, cut_network
from realfake.feature_cache.store import TrunkCache

BATCH = 64
CALIBRATION_PICTURES = 128

Arrays = tuple[Pictures, Labels]
"""Pictures uint8 (N, S, S, 3) and labels uint8 (N,)."""


@dataclass(frozen=True)
class TrunkUse:
    """What the cache did for a training."""

    views: int
    """Kept versions of each training picture."""
    computed: int
    """Pictures that went through the trunk now, each view counted."""
    reused: int
    """Those that were there already."""
    seconds: float
    """Time from the start until all was there."""
    gigabytes: float
    """What the features take on disk."""


class LearningPart:
    """The part of a network that learns, and the data that this part takes.

    With a frozen trunk and a budget that holds its output these are the tail (it shares its layers with the network, so
    that training it trains the network) and kept features; else the network itself and the pictures. Which of them is
    a matter of params and the number of pictures alone, never of the machine, so that the result is too.

    Args:
        network: from `build_network`.
        params: what it was built from.
        train: pictures uint8 (N, S, S, 3) and labels uint8 (N,).
        val: likewise.
        depth: see `cut_network`.
    """

    def __init__(
        self, network: keras.Model, params: TrainParams, train: Arrays, val: Arrays, depth: int | None = None
    ) -> None:
        self._params, self._train, self._val, self._opened = params, train, val, ExitStack()
        cut = cut_network(network, params, depth)
        self.views = _views(cut, params, len(train[0]), len(val[0])) if cut else 0
        """Kept versions of each training picture, of which epochs take turns; 0 without a cache."""
        self.cut = cut if self.views else None
        """Where the network is cut; None without a cache."""
        self.network = self.cut.tail if self.cut else network
        """What `fit` trains."""
        self.use: TrunkUse | None = None
        """What the cache did, once `data` was called; None without a cache."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def data(self) -> TrainingData:
        """What the learning part takes; features that are not kept yet are computed first.

        They can be read until the context ends.

        Raises:
            UserError: the disk is full, the runtime is not installed, the features do not fit float16.
        """
        (train, train_labels), (val, val_labels), params = self._train, self._val, self._params
        if self.cut is None:
            augment = Augmenter(params.augmentation, params.seed, train.shape[1])
            examples = PictureExamples(train, params.image_size, augment, params.augmentation.views)
            return TrainingData(examples, train_labels, PictureExamples(val, params.image_size), val_labels)
        features = self._features(self.cut)
        return TrainingData(FeatureExamples(features[:-1]), train_labels, FeatureExamples(features[-1:]), val_labels)

    def _features(self, cut: Cut) -> list[Features]:
        """The views of train, then val."""
        started = time.perf_counter()
        source = _Source(cut, self._params, self._train)
        views = range(self.views) if varies(self._params.augmentation) else [None]
        wanted = [source.view("train", self._train[0], view) for view in views]
        wanted.append(source.view("val", self._val[0], None))
        entries = [entry for entry, _ in wanted]
        budget, size = self._params.cache.max_gb, sum(entry.size for entry in entries) / 1e9
        count, reused = (sum(entry.shape[0] for entry in some) for some in (entries, filter(self._cache.has, entries)))
        print(
            f"frozen up to {cut.layer}: {len(self._train[1]):,} pictures in {self.views} view{'s'[: self.views > 1]}, "
            f"{len(self._val[1]):,} of val, {np.prod(cut.shape) * 2 / 1024:,.0f} KiB each, {size:.2f} of at most "
            f"{budget:g} GB; {reused:,} of {count:,} are there",
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
        self.use = TrunkUse(self.views, count - reused, reused, seconds, size)
        return features

    @cached_property
    def _cache(self) -> TrunkCache:
        return TrunkCache(int(self._params.cache.max_gb * 1e9))


def _views(cut: Cut, params: TrainParams, train: int, val: int) -> int:
    """How many views of each training picture the budget holds, at most one an epoch; 0: not even one."""
    picture = int(np.prod(cut.shape)) * 2
    budget = params.cache.max_gb * 1e9
    views = min(params.augmentation.views or params.epochs, params.epochs) if varies(params.augmentation) else 1
    fitting = max(0, min(views, int((budget - val * picture) // (train * picture))))
    if fitting < views and budget:
        needed = (train * views + val) * picture / 1e9
        print(
            f"the frozen layers' output takes {needed:.1f} GB in {views} views, train.cache.max_gb is "
            f"{params.cache.max_gb:g}: " + (f"{fitting} kept" if fitting else "computed anew every epoch"),
            flush=True,
        )
    return fitting


class _Source:
    """Names what features come from, and computes them."""

    def __init__(self, cut: Cut, params: TrainParams, train: Arrays) -> None:
        self._cut, self._params = cut, params
        self._forward: Forward | None = None
        self._network = f"{params.backbone}, {params.image_size} px, to {cut.layer}"
        int8 = params.cache.runtime.endswith("_int8")
        self._calibration = _calibration_inputs(train, params.image_size) if int8 else None
        self._common = {
            "trunk": cut.digest(),
            "runtime": [params.cache.runtime, *runtime_versions(params.cache.runtime)],
            "calibration": None if self._calibration is None else _digest(self._calibration),
            # not the frozen network's builder: its layers and weights are digested themselves
            "code": [code_digest("feature_cache.features", without=("feature_cache.split",)), library_versions()],
            "machine": [rounding_label(), *keras.distribution.list_devices()],
        }
        self._digests: dict[str, str] = {}

    def view(self, split: str, pictures: Pictures, view: int | None) -> tuple[Wanted, Compute]:
        """An entry and what computes it; view None shows pictures as they are."""
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
        wanted = Wanted(identity, about, (len(pictures), *self._cut.shape))
        return wanted, partial(self._compute, f"{split}, {shown}", pictures, view)

    def _compute(self, title: str, pictures: Pictures, view: int | None, done: int) -> Iterator[Features]:
        """Features in batches that always begin at the same pictures: a killed pass ends with the same bytes."""
        if self._forward is None:
            self._forward = open_runtime(self._params.cache.runtime, self._cut.trunk, self._calibration)
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
                yield _as_float16(features)


def _calibration_inputs(train: Arrays, image_size: int) -> Inputs:
    pictures, labels = train
    return network_input(pictures[balanced_sample(labels, CALIBRATION_PICTURES, seed=0)], image_size)


def _as_float16(features: npt.NDArray[np.float32]) -> Features:
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
