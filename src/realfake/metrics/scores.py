"""Compute scores of P(REAL) against labels. NumPy only.

Throughout this module labels are uint8 (N,), FAKE = 0 and REAL = 1; probabilities are float (N,), P(REAL) in [0, 1];
the positive class is REAL; a picture is called REAL when its probability reaches the threshold. Every score is a
function of one weight per picture, so a score and its bootstrap resamples are computed by the same formula.
"""

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities

Array = npt.NDArray[np.float64]

SCORES = ("accuracy", "precision", "recall", "fake_recall", "f1", "roc_auc", "pr_auc", "brier", "ece", "log_loss")
"""Names of the scores. `recall` is the recall of photographs (called REAL), `fake_recall` of fakes (called FAKE)."""
_CLIP = 1e-7
"""Smallest distance of a probability from 0 and 1 in log loss, the same as in Keras."""


def accuracy(labels: Labels, probabilities: Probabilities, threshold: float = 0.5) -> float:
    """Return the fraction of pictures that are predicted correctly."""
    return float(np.mean((probabilities >= threshold) == (labels == 1)))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean binary cross-entropy (natural logarithm), with probabilities clipped to [1e-7, 1 - 1e-7]."""
    return float(np.mean(_cross_entropy(labels, probabilities)))


def roc_auc(labels: Labels, probabilities: Probabilities) -> float:
    """Return the area under the ROC curve; NaN when one class is missing.

    It is the chance that a REAL picture gets a higher probability than a FAKE one, with ties counting half (Fawcett
    2006).
    """
    ranked = RankedPredictions(labels, probabilities)
    return float(_roc_area(*ranked.cumulative(np.ones((1, len(labels)))))[0])


def scores(labels: Labels, probabilities: Probabilities, threshold: float, bins: int) -> dict[str, float]:
    """Return all of SCORES by name.

    Precision and F1 are 0 when nothing is called REAL; scores that a missing class leaves undefined are NaN. pr_auc is
    the average precision, brier the mean squared error of P(REAL). ece is the expected calibration error of P(REAL)
    (Guo et al. 2017): the mean over equal-width bins of |mean P(REAL) - fraction REAL|, weighted by pictures per bin.

    Args:
        labels: uint8 (N,).
        probabilities: float (N,).
        threshold: pictures with at least this P(REAL) are called REAL.
        bins: number of bins of the calibration error.
    """
    ranked = RankedPredictions(labels, probabilities)
    values = weighted_scores(ranked, np.ones((1, len(labels))), threshold, bins)
    return {name: float(value[0]) for name, value in values.items()}


def confusion(labels: Labels, probabilities: Probabilities, threshold: float) -> npt.NDArray[np.int64]:
    """Count pictures by true class (row) and predicted class (column), int64 (2, 2), FAKE before REAL."""
    called_real = probabilities >= threshold
    return np.bincount(2 * labels.astype(np.int64) + called_real, minlength=4).reshape(2, 2)


def most_confident_mistakes(
    labels: Labels, probabilities: Probabilities, threshold: float, count: int
) -> npt.NDArray[np.int64]:
    """Return the indices of at most `count` wrong predictions, the most confident first."""
    wrong = np.flatnonzero((probabilities >= threshold) != (labels == 1))
    return wrong[np.argsort(-np.abs(probabilities[wrong] - labels[wrong]), kind="stable")][:count]


class RankedPredictions:
    """Rank pictures by decreasing P(REAL).

    Args:
        labels: uint8 (N,).
        probabilities: float (N,).
    """

    def __init__(self, labels: Labels, probabilities: Probabilities) -> None:
        self.order = np.argsort(-probabilities, kind="stable")
        """Indices of the pictures by rank, int64 (N,)."""
        self.labels = labels[self.order].astype(np.float64)
        """Labels by rank."""
        self.probabilities = probabilities[self.order].astype(np.float64)
        """P(REAL) by rank."""
        self.ends = np.flatnonzero(np.append(np.diff(self.probabilities) != 0, True))
        """Last rank of each distinct probability."""

    def cumulative(self, weights: Array) -> tuple[Array, Array]:
        """Return the weight of REAL and of FAKE pictures at or above each distinct probability, preceded by 0.

        Args:
            weights: float (R, N), by rank.

        Returns:
            Two arrays, float64 (R, distinct probabilities + 1).
        """
        total = np.cumsum(weights, axis=1)[:, self.ends]
        real = np.cumsum(weights * self.labels, axis=1)[:, self.ends]
        start = np.zeros((len(weights), 1))
        return np.hstack([start, real]), np.hstack([start, total - real])

    def curve(self) -> tuple[Array, Array]:
        """Return the number of REAL and of FAKE pictures at or above each distinct probability, preceded by 0."""
        real, fake = self.cumulative(np.ones((1, len(self.labels))))
        return real[0], fake[0]


def weighted_scores(ranked: RankedPredictions, weights: Array, threshold: float, bins: int) -> dict[str, Array]:
    """Return each of SCORES as float64 (R,) for R weightings of the pictures; for the other arguments see `scores`.

    Args:
        ranked: labels and probabilities of N pictures.
        weights: float (R, N), by rank.
        threshold: pictures with at least this P(REAL) are called REAL.
        bins: number of bins of the calibration error.
    """
    labels, probabilities = ranked.labels, ranked.probabilities
    called = probabilities >= threshold
    error = probabilities - labels
    terms = [np.ones_like(labels), labels, called, called * labels, error**2, _cross_entropy(labels, probabilities)]
    by_bin = error[:, None] * (bin_of(probabilities, bins)[:, None] == np.arange(bins))
    sums = weights @ np.column_stack([*terms, by_bin])
    total, real, called_real, true_real, squared, entropy = sums.T[: len(terms)]
    curve = ranked.cumulative(weights)
    true_fake = total - real - called_real + true_real
    values = (
        (true_real + true_fake) / total,
        ratio(true_real, called_real, 0.0),
        ratio(true_real, real, np.nan),
        ratio(true_fake, total - real, np.nan),
        ratio(2 * true_real, real + called_real, 0.0),
        _roc_area(*curve),
        _average_precision(*curve),
        squared / total,
        np.abs(sums[:, len(terms) :]).sum(axis=1) / total,
        entropy / total,
    )
    return dict(zip(SCORES, values, strict=True))


def bin_of(probabilities: Probabilities, bins: int) -> npt.NDArray[np.int64]:
    """Return the index of each probability's bin among `bins` equal-width bins of [0, 1], int64 (N,)."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _roc_area(real: Array, fake: Array) -> Array:
    """Return the area under each ROC curve, float64 (R,), from the weights of `RankedPredictions.cumulative`."""
    area = np.sum(np.diff(fake) * (real[:, 1:] + real[:, :-1]), axis=1) / 2
    return ratio(area, real[:, -1] * fake[:, -1], np.nan)


def _average_precision(real: Array, fake: Array) -> Array:
    """Return the average precision of REAL, float64 (R,), from the weights of `RankedPredictions.cumulative`."""
    precision = ratio(real, real + fake, 0.0)
    return ratio(np.sum(np.diff(real) * precision[:, 1:], axis=1), real[:, -1], np.nan)


def _cross_entropy(labels: npt.NDArray[np.generic], probabilities: Probabilities) -> Array:
    """Return the cross-entropy of each picture, float64 (N,)."""
    clipped = np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP)
    return -np.log(np.where(labels == 1, clipped, 1 - clipped))


def ratio(numerator: Array, denominator: Array, undefined: float) -> Array:
    """Divide elementwise; the result is `undefined` where the denominator is 0."""
    result = np.full(np.broadcast(numerator, denominator).shape, undefined)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
