"""Draw bootstrap resamples of pictures and compute confidence intervals of scores. NumPy only."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities
from realfake.metrics.scores import SCORES, Array, RankedPredictions, ratio, weighted_scores

_BLOCK = 2**20
"""Weights computed at once while resampling, which limits memory to a few arrays of 8 MiB."""


class Interval(NamedTuple):
    """Hold the ends of a percentile interval."""

    low: float
    high: float


def bootstrap_weights(labels: Labels, groups: Sequence[str], resamples: int, seed: int) -> Iterator[Array]:
    """Draw bootstrap weights: how often each picture is drawn in each resample, in blocks of resamples.

    Whole groups are drawn with replacement, because crops of one photograph are not independent pictures (cluster
    bootstrap, Davison & Hinkley 1997, 3.8). The draw is stratified: the numbers of groups with FAKE, with REAL and with
    both kinds of pictures stay the same. Use the same weights for two models to compare them in pairs.

    Args:
        labels: uint8 (N,).
        groups: N group names; a picture without relatives has a group of its own.
        resamples: number R of resamples.
        seed: seed of the draws.

    Yields:
        Blocks of weights, float64 (block, N) with whole numbers; all blocks together have R rows.
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
    """Return the 95 % percentile interval of each of SCORES (Efron & Tibshirani 1993, 13.3).

    The interval of ece is biased upwards: resampling adds noise to every bin, and noise increases absolute differences.

    Args:
        labels: uint8 (N,).
        probabilities: float (N,), P(REAL).
        threshold: pictures with at least this P(REAL) are called REAL.
        bins: number of equal-width bins of the calibration error.
        weights: blocks from `bootstrap_weights`.
    """
    ranked = RankedPredictions(labels, probabilities)
    blocks = [weighted_scores(ranked, block[:, ranked.order], threshold, bins) for block in weights]
    return {name: _percentiles(np.concatenate([block[name] for block in blocks])) for name in SCORES}


def accuracy_intervals(
    correct: npt.NDArray[np.bool_], members: npt.NDArray[np.bool_], weights: Iterable[Array]
) -> list[Interval]:
    """Return 95 % percentile intervals of the accuracy on subsets of the pictures, such as the classes.

    Args:
        correct: bool (N,), which pictures are predicted correctly; or bool (subsets, N) with one row per subset.
        members: bool (subsets, N), which pictures belong to each subset.
        weights: blocks from `bootstrap_weights`.
    """
    columns = np.vstack([members & correct, members]).T.astype(np.float64)
    sums = np.vstack([block @ columns for block in weights])
    shares = ratio(sums[:, : len(members)], sums[:, len(members) :], np.nan)
    return [_percentiles(share) for share in shares.T]


def _draw(generator: np.random.Generator, rows: int, count: int) -> Array:
    """Count how often each of `count` items is drawn in `count` draws with replacement, float64 (rows, count)."""
    drawn = generator.integers(count, size=(rows, count)) + np.arange(rows)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def _percentiles(values: Array) -> Interval:
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))
