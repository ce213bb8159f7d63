"""Scores of P(REAL) against labels, and their bootstrap intervals. NumPy only.

Throughout: labels are uint8 (N,), FAKE = 0 and REAL = 1; probabilities are float (N,), P(REAL) in [0, 1]; the positive
class is REAL, and a picture is called REAL from the threshold on. Every score is a function of one weight a picture, so
a figure and its bootstrap resamples come from the same formula.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities

Array = npt.NDArray[np.float64]

SCORES = ("accuracy", "precision", "recall", "fake_recall", "f1", "roc_auc", "pr_auc", "brier", "ece", "log_loss")
"""What `scores` returns. Recall is the part of photographs called REAL, fake_recall the part of fakes called FAKE."""
_CLIP = 1e-7
"""Probabilities are clipped this far from 0 and 1 in log loss, as Keras does."""
_BLOCK = 2**20
"""Weights held at once while resampling: a few arrays of 8 MiB."""


class Interval(NamedTuple):
    """A percentile interval."""

    low: float
    high: float


class Reliability(NamedTuple):
    """One row per bin of P(REAL) that holds pictures."""

    centre: Array
    predicted: Array
    """Mean P(REAL)."""
    observed: Array
    """Part of the pictures that are REAL."""
    pictures: npt.NDArray[np.int64]


def accuracy(labels: Labels, probabilities: Probabilities, threshold: float = 0.5) -> float:
    """Part of the pictures that are called by their right name."""
    return float(np.mean((probabilities >= threshold) == (labels == 1)))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean binary cross-entropy, natural logarithm; probabilities clipped to [1e-7, 1 - 1e-7]."""
    return float(np.mean(_cross_entropy(labels, probabilities)))


def roc_auc(labels: Labels, probabilities: Probabilities) -> float:
    """Chance that a REAL picture gets a higher probability than a FAKE one, ties counting half (Fawcett 2006).

    NaN where one class is missing.
    """
    ordered = _Ordered(labels, probabilities)
    return float(_roc_area(*ordered.cumulative(np.ones((1, len(labels)))))[0])


def scores(labels: Labels, probabilities: Probabilities, threshold: float, bins: int) -> dict[str, float]:
    """All of SCORES by name.

    Precision and F1 are 0 where nothing is called REAL; what a missing class leaves undefined is NaN. pr_auc is the
    average precision, brier the mean squared error of P(REAL). ece is the expected calibration error (Guo et al. 2017)
    on P(REAL): the mean over equal-width bins of |mean P(REAL) - part REAL|, weighted by the pictures in the bin.

    Args:
        labels: uint8 (N,).
        probabilities: float (N,).
        threshold: P(REAL) from which on a picture is called REAL.
        bins: of the calibration error.
    """
    ordered = _Ordered(labels, probabilities)
    values = _weighted_scores(ordered, np.ones((1, len(labels))), threshold, bins)
    return {name: float(value[0]) for name, value in values.items()}


def confusion(labels: Labels, probabilities: Probabilities, threshold: float) -> npt.NDArray[np.int64]:
    """Pictures by true (row) and called (column) class, int64 (2, 2), FAKE before REAL."""
    called = probabilities >= threshold
    return np.bincount(2 * labels.astype(np.int64) + called, minlength=4).reshape(2, 2)


def surest_mistakes(
    labels: Labels, probabilities: Probabilities, threshold: float, count: int
) -> npt.NDArray[np.int64]:
    """Indices of at most `count` pictures that are called by the wrong name, the surest first."""
    wrong = np.flatnonzero((probabilities >= threshold) != (labels == 1))
    return wrong[np.argsort(-np.abs(probabilities[wrong] - labels[wrong]), kind="stable")][:count]


def resample(labels: Labels, groups: Sequence[str], resamples: int, seed: int) -> Iterator[Array]:
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
        weights: blocks from `resample`.
    """
    ordered = _Ordered(labels, probabilities)
    blocks = [_weighted_scores(ordered, block[:, ordered.order], threshold, bins) for block in weights]
    return {name: _percentiles(np.concatenate([block[name] for block in blocks])) for name in SCORES}


def accuracy_intervals(
    right: npt.NDArray[np.bool_], members: npt.NDArray[np.bool_], weights: Iterable[Array]
) -> list[Interval]:
    """Percentile 95 % intervals of accuracy within parts of the pictures, such as one class.

    Args:
        right: bool (N,), called by its right name; or (parts, N), in each part.
        members: bool (parts, N), which pictures are in each part.
        weights: blocks from `resample`.
    """
    columns = np.vstack([members & right, members]).T.astype(np.float64)
    sums = np.vstack([block @ columns for block in weights])
    shares = _ratio(sums[:, : len(members)], sums[:, len(members) :], np.nan)
    return [_percentiles(share) for share in shares.T]


def roc_curve(labels: Labels, probabilities: Probabilities, points: int = 300) -> tuple[Array, Array]:
    """False positive rate (fakes called REAL) and true positive rate, rising from 0 to 1; at most `points` long."""
    real, fake = _Ordered(labels, probabilities).curve()
    kept = _thin(len(real), points)
    return (fake / fake[-1])[kept], (real / real[-1])[kept]


def precision_recall_curve(labels: Labels, probabilities: Probabilities, points: int = 300) -> tuple[Array, Array]:
    """Recall, rising from its smallest value above all thresholds to 1, and precision; at most `points` long."""
    real, fake = _Ordered(labels, probabilities).curve()
    kept = _thin(len(real) - 1, points) + 1
    return (real / real[-1])[kept], (real[kept] / (real + fake)[kept])


def reliability(labels: Labels, probabilities: Probabilities, bins: int) -> Reliability:
    """Mean P(REAL) against the part that is REAL in equal-width bins; empty bins are left out."""
    bin_of = _bin_of(probabilities, bins)
    pictures = np.bincount(bin_of, minlength=bins)
    filled = pictures > 0
    predicted = np.bincount(bin_of, weights=probabilities, minlength=bins)[filled] / pictures[filled]
    observed = np.bincount(bin_of, weights=labels, minlength=bins)[filled] / pictures[filled]
    centre = (np.flatnonzero(filled) + 0.5) / bins
    return Reliability(centre, predicted, observed, pictures[filled])


class _Ordered:
    """Pictures by falling P(REAL), and where each run of equal probabilities ends."""

    def __init__(self, labels: Labels, probabilities: Probabilities) -> None:
        self.order = np.argsort(-probabilities, kind="stable")
        self.labels = labels[self.order].astype(np.float64)
        self.probabilities = probabilities[self.order].astype(np.float64)
        self.ends = np.flatnonzero(np.append(np.diff(self.probabilities) != 0, True))

    def cumulative(self, weights: Array) -> tuple[Array, Array]:
        """Weight of REAL and of FAKE pictures at or above each distinct probability, from 0 on.

        Args:
            weights: float (R, N), in this order.

        Returns:
            two arrays float (R, distinct probabilities + 1).
        """
        total = np.cumsum(weights, axis=1)[:, self.ends]
        real = np.cumsum(weights * self.labels, axis=1)[:, self.ends]
        start = np.zeros((len(weights), 1))
        return np.hstack([start, real]), np.hstack([start, total - real])

    def curve(self) -> tuple[Array, Array]:
        """Number of REAL and of FAKE pictures at or above each distinct probability, from 0 on."""
        real, fake = self.cumulative(np.ones((1, len(self.labels))))
        return real[0], fake[0]


def _weighted_scores(ordered: _Ordered, weights: Array, threshold: float, bins: int) -> dict[str, Array]:
    """Each of SCORES as float (R,), for weights (R, N) in the order of `ordered`."""
    labels, probabilities = ordered.labels, ordered.probabilities
    called = probabilities >= threshold
    error = probabilities - labels
    parts = [np.ones_like(labels), labels, called, called * labels, error**2, _cross_entropy(labels, probabilities)]
    by_bin = error[:, None] * (_bin_of(probabilities, bins)[:, None] == np.arange(bins))
    sums = weights @ np.column_stack([*parts, by_bin])
    total, real, called_real, hits, squared, entropy = sums.T[: len(parts)]
    curve = ordered.cumulative(weights)
    rejected = total - real - called_real + hits
    values = (
        (hits + rejected) / total,
        _ratio(hits, called_real, 0.0),
        _ratio(hits, real, np.nan),
        _ratio(rejected, total - real, np.nan),
        _ratio(2 * hits, real + called_real, 0.0),
        _roc_area(*curve),
        _average_precision(*curve),
        squared / total,
        np.abs(sums[:, len(parts) :]).sum(axis=1) / total,
        entropy / total,
    )
    return dict(zip(SCORES, values, strict=True))


def _draw(generator: np.random.Generator, rows: int, count: int) -> Array:
    """How often each of `count` things is drawn in `count` draws with replacement, float (rows, count)."""
    drawn = generator.integers(count, size=(rows, count)) + np.arange(rows)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def _percentiles(values: Array) -> Interval:
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))


def _bin_of(probabilities: Probabilities, bins: int) -> npt.NDArray[np.int64]:
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _thin(length: int, points: int) -> npt.NDArray[np.int64]:
    """Evenly spread indices with both ends; along a curve over ranks these are even steps of its length."""
    return np.unique(np.linspace(0, length - 1, min(length, points)).round().astype(np.int64))


def _roc_area(real: Array, fake: Array) -> Array:
    area = np.sum(np.diff(fake) * (real[:, 1:] + real[:, :-1]), axis=1) / 2
    return _ratio(area, real[:, -1] * fake[:, -1], np.nan)


def _average_precision(real: Array, fake: Array) -> Array:
    precision = _ratio(real, real + fake, 0.0)
    return _ratio(np.sum(np.diff(real) * precision[:, 1:], axis=1), real[:, -1], np.nan)


def _cross_entropy(labels: npt.NDArray[np.generic], probabilities: Probabilities) -> Array:
    clipped = np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP)
    return -np.log(np.where(labels == 1, clipped, 1 - clipped))


def _ratio(numerator: Array, denominator: Array, undefined: float) -> Array:
    result = np.full(np.broadcast(numerator, denominator).shape, undefined)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
