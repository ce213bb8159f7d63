"""Curves of P(REAL) against labels for drawing: ROC, precision and recall, reliability. NumPy only."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Probabilities
from realfake.metrics.scores import Array, RankedPredictions, bin_of


class Reliability(NamedTuple):
    """One row per bin of P(REAL) that holds pictures."""

    centre: Array
    predicted: Array
    """Mean P(REAL)."""
    observed: Array
    """Part of the pictures that are REAL."""
    pictures: npt.NDArray[np.int64]


def roc_curve(labels: Labels, probabilities: Probabilities, points: int = 300) -> tuple[Array, Array]:
    """False positive rate (fakes called REAL) and true positive rate, rising from 0 to 1; at most `points` long."""
    real, fake = RankedPredictions(labels, probabilities).curve()
    kept = _thin(len(real), points)
    return (fake / fake[-1])[kept], (real / real[-1])[kept]


def precision_recall_curve(labels: Labels, probabilities: Probabilities, points: int = 300) -> tuple[Array, Array]:
    """Recall, rising from its smallest value above all thresholds to 1, and precision; at most `points` long."""
    real, fake = RankedPredictions(labels, probabilities).curve()
    kept = _thin(len(real) - 1, points) + 1
    return (real / real[-1])[kept], (real[kept] / (real + fake)[kept])


def reliability(labels: Labels, probabilities: Probabilities, bins: int) -> Reliability:
    """Mean P(REAL) against the part that is REAL in equal-width bins; empty bins are left out."""
    places = bin_of(probabilities, bins)
    pictures = np.bincount(places, minlength=bins)
    filled = pictures > 0
    predicted = np.bincount(places, weights=probabilities, minlength=bins)[filled] / pictures[filled]
    observed = np.bincount(places, weights=labels, minlength=bins)[filled] / pictures[filled]
    centre = (np.flatnonzero(filled) + 0.5) / bins
    return Reliability(centre, predicted, observed, pictures[filled])


def _thin(length: int, points: int) -> npt.NDArray[np.int64]:
    """Evenly spread indices with both ends; along a curve over ranks these are even steps of its length."""
    return np.unique(np.linspace(0, length - 1, min(length, points)).round().astype(np.int64))
