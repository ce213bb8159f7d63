"""Bootstrap resamples of pictures, and the intervals of scores that they give. NumPy only."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities
from realfake.metrics.scores import SCORES, Array, RankedPredictions, ratio, weighted_scores

_BLOCK = 2**20
"""Weights held at once while resampling: a few arrays of 8 MiB."""


class Interval(NamedTuple):
    """A percentile interval."""

    low: float
    high: float


def bootstrap_weights(labels: Labels, groups: Sequence[str], resamples: int, seed: int) -> Iterator[Array]:
    """Bootstrap weights: how often each picture is drawn, in blocks of some resamples each.

    Whole groups are drawn with replacement, because crops of one photograph are no independent pictures (cluster
    bootstrap, Davison & Hinkley 1997, 3.8). It is stratified: groups of each class, and groups that hold both, keep
    their number. Give one iterator to two models for a paired comparison.

    Args:
        labels: uint8 (N,).
        groups: N group names; a picture alone is its own group.
        resamples: R, how many in all.
        seed: the same seed draws the same resamples.

    Yields:
        float64 (some, N) of whole numbers, R rows over all blocks.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    classes = np.zeros(group.max() + 1, dtype=np.int64)
    np.bitwise_or.at(classes, group, labels.astype(np.int64) + 1)
    strata = [np.flatnonzero(classes == value) for value in np.unique(classes)]
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // len(labels))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = np.zeros((rows, len(classes)))
        for stratum in strata:
            drawn[:, stratum] = _draw(generator, rows, len(stratum))
        yield drawn[:, group]


def bootstrap_intervals(
    labels: Labels, probabilities: Probabilities, threshold: float, bins: int, weights: Iterable[Array]
) -> dict[str, Interval]:
    """Percentile 95 % intervals of all SCORES (Efron & Tibshirani 1993, 13.3).

    That of ece leans upwards: resampling adds noise to every bin, and noise can only add to an absolute difference.

    Args:
        labels: uint8 (N,).
        probabilities: float (N,).
        threshold: P(REAL) from which on a picture is called REAL.
        bins: of the calibration error.
        weights: blocks from `bootstrap_weights`.
    """
    ordered = RankedPredictions(labels, probabilities)
    blocks = [weighted_scores(ordered, block[:, ordered.order], threshold, bins) for block in weights]
    return {name: _percentiles(np.concatenate([block[name] for block in blocks])) for name in SCORES}


def accuracy_intervals(
    right: npt.NDArray[np.bool_], members: npt.NDArray[np.bool_], weights: Iterable[Array]
) -> list[Interval]:
    """Percentile 95 % intervals of accuracy within parts of the pictures, such as one class.

    Args:
        right: bool (N,), called by its right name; or (parts, N), in each part.
        members: bool (parts, N), which pictures are in each part.
        weights: blocks from `bootstrap_weights`.
    """
    columns = np.vstack([members & right, members]).T.astype(np.float64)
    sums = np.vstack([block @ columns for block in weights])
    shares = ratio(sums[:, : len(members)], sums[:, len(members) :], np.nan)
    return [_percentiles(share) for share in shares.T]


def _draw(generator: np.random.Generator, rows: int, count: int) -> Array:
    """How often each of `count` things is drawn in `count` draws with replacement, float (rows, count)."""
    drawn = generator.integers(count, size=(rows, count)) + np.arange(rows)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def _percentiles(values: Array) -> Interval:
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))
