"""Compute curves for plots: ROC, precision and recall, reliability. NumPy only."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities
from realfake.metrics.scores import Array, RankedPredictions, bin_of


class Reliability(NamedTuple):
    """Hold a reliability diagram: one entry per bin of P(REAL) that is not empty."""

    centre: Array
    """Centre of the bin."""
    predicted: Array
    """Mean P(REAL) in the bin."""
    observed: Array
    """Fraction of the bin's pictures that are REAL."""
    pictures: npt.NDArray[np.int64]
    """Number of pictures in the bin."""


def roc_curve(labels: Labels, probabilities: Probabilities, points: int = 300) -> tuple[Array, Array]:
    """Return the false positive rate (fakes called REAL) and the true positive rate, each rising from 0 to 1.

    Args:
        labels: uint8 (N,), both classes.
        probabilities: float (N,), P(REAL).
        points: largest number of points of the curve.
    """
    real, fake = RankedPredictions(labels, probabilities).curve()
    kept = _thin(len(real), points)
    return (fake / fake[-1])[kept], (real / real[-1])[kept]


def precision_recall_curve(labels: Labels, probabilities: Probabilities, points: int = 300) -> tuple[Array, Array]:
    """Return the recall of REAL, rising to 1 as the threshold falls, and the precision at each recall.

    Args:
        labels: uint8 (N,), both classes.
        probabilities: float (N,), P(REAL).
        points: largest number of points of the curve.
    """
    real, fake = RankedPredictions(labels, probabilities).curve()
    kept = _thin(len(real) - 1, points) + 1
    return (real / real[-1])[kept], (real[kept] / (real + fake)[kept])


def reliability(labels: Labels, probabilities: Probabilities, bins: int) -> Reliability:
    """Return the reliability diagram over `bins` equal-width bins of P(REAL), without empty bins."""
    bin_indices = bin_of(probabilities, bins)
    pictures = np.bincount(bin_indices, minlength=bins)
    filled = pictures > 0
    predicted = np.bincount(bin_indices, weights=probabilities, minlength=bins)[filled] / pictures[filled]
    observed = np.bincount(bin_indices, weights=labels, minlength=bins)[filled] / pictures[filled]
    centre = (np.flatnonzero(filled) + 0.5) / bins
    return Reliability(centre, predicted, observed, pictures[filled])


def _thin(length: int, points: int) -> npt.NDArray[np.int64]:
    """Return at most `points` evenly spaced indices of a curve with `length` points, both ends included."""
    return np.unique(np.linspace(0, length - 1, min(length, points)).round().astype(np.int64))
