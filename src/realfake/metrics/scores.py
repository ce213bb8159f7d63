"""Scores of P(REAL) against labels. NumPy only.

Throughout: labels are uint8 (N,), FAKE = 0 and REAL = 1; probabilities are float (N,), P(REAL) in [0, 1]; the positive
class is REAL, and a picture is called REAL from the threshold on. Every score is a function of one weight a picture, so
a figure and its bootstrap resamples come from the same formula.
"""

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities

Array = npt.NDArray[np.float64]

SCORES = ("accuracy", "precision", "recall", "fake_recall", "f1", "roc_auc", "pr_auc", "brier", "ece", "log_loss")
"""What `scores` returns. Recall is the part of photographs called REAL, fake_recall the part of fakes called FAKE."""
_CLIP = 1e-7
"""Probabilities are clipped this far from 0 and 1 in log loss, as Keras does."""


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
    ordered = RankedPredictions(labels, probabilities)
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
    ordered = RankedPredictions(labels, probabilities)
    values = weighted_scores(ordered, np.ones((1, len(labels))), threshold, bins)
    return {name: float(value[0]) for name, value in values.items()}


def confusion(labels: Labels, probabilities: Probabilities, threshold: float) -> npt.NDArray[np.int64]:
    """Pictures by true (row) and called (column) class, int64 (2, 2), FAKE before REAL."""
    called = probabilities >= threshold
    return np.bincount(2 * labels.astype(np.int64) + called, minlength=4).reshape(2, 2)


def most_confident_mistakes(
    labels: Labels, probabilities: Probabilities, threshold: float, count: int
) -> npt.NDArray[np.int64]:
    """Indices of at most `count` pictures that are called by the wrong name, the surest first."""
    wrong = np.flatnonzero((probabilities >= threshold) != (labels == 1))
    return wrong[np.argsort(-np.abs(probabilities[wrong] - labels[wrong]), kind="stable")][:count]


class RankedPredictions:
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


def weighted_scores(ordered: RankedPredictions, weights: Array, threshold: float, bins: int) -> dict[str, Array]:
    """Each of SCORES as float (R,), for weights (R, N) in the order of `ordered`."""
    labels, probabilities = ordered.labels, ordered.probabilities
    called = probabilities >= threshold
    error = probabilities - labels
    parts = [np.ones_like(labels), labels, called, called * labels, error**2, _cross_entropy(labels, probabilities)]
    by_bin = error[:, None] * (bin_of(probabilities, bins)[:, None] == np.arange(bins))
    sums = weights @ np.column_stack([*parts, by_bin])
    total, real, called_real, hits, squared, entropy = sums.T[: len(parts)]
    curve = ordered.cumulative(weights)
    rejected = total - real - called_real + hits
    values = (
        (hits + rejected) / total,
        ratio(hits, called_real, 0.0),
        ratio(hits, real, np.nan),
        ratio(rejected, total - real, np.nan),
        ratio(2 * hits, real + called_real, 0.0),
        _roc_area(*curve),
        _average_precision(*curve),
        squared / total,
        np.abs(sums[:, len(parts) :]).sum(axis=1) / total,
        entropy / total,
    )
    return dict(zip(SCORES, values, strict=True))


def bin_of(probabilities: Probabilities, bins: int) -> npt.NDArray[np.int64]:
    """Return which of `bins` equal-width bins of [0, 1] each probability lies in, int64 (N,)."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _roc_area(real: Array, fake: Array) -> Array:
    area = np.sum(np.diff(fake) * (real[:, 1:] + real[:, :-1]), axis=1) / 2
    return ratio(area, real[:, -1] * fake[:, -1], np.nan)


def _average_precision(real: Array, fake: Array) -> Array:
    precision = ratio(real, real + fake, 0.0)
    return ratio(np.sum(np.diff(real) * precision[:, 1:], axis=1), real[:, -1], np.nan)


def _cross_entropy(labels: npt.NDArray[np.generic], probabilities: Probabilities) -> Array:
    clipped = np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP)
    return -np.log(np.where(labels == 1, clipped, 1 - clipped))


def ratio(numerator: Array, denominator: Array, undefined: float) -> Array:
    """Divide element by element; `undefined` where the denominator is 0."""
    result = np.full(np.broadcast(numerator, denominator).shape, undefined)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
