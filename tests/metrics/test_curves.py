"""Curves, compared with those of scikit-learn."""

import numpy as np
import pytest
from predictions import predictions
from sklearn import metrics as sklearn

from realfake.metrics import curves, scores


def test_curves_agree_with_scikit_learn() -> None:
    labels, probabilities = predictions(decimals=6)
    false_positives, true_positives = curves.roc_curve(labels, probabilities, points=10_000)
    x, y, _ = sklearn.roc_curve(labels, probabilities, drop_intermediate=False)
    assert np.allclose(false_positives, x) and np.allclose(true_positives, y)
    recall, precision = curves.precision_recall_curve(labels, probabilities, points=10_000)
    y, x, _ = sklearn.precision_recall_curve(labels, probabilities)
    assert np.allclose(recall, x[-2::-1]) and np.allclose(precision, y[-2::-1])


def test_long_curves_are_thinned_and_keep_their_ends_and_area() -> None:
    labels, probabilities = predictions(20_000, decimals=9)
    x, y = curves.roc_curve(labels, probabilities)
    assert len(x) == 300
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(scores.roc_auc(labels, probabilities), abs=1e-3)


def test_reliability_omits_empty_bins() -> None:
    labels = np.array([0, 1, 1, 1], dtype=np.uint8)
    bins = curves.reliability(labels, np.array([0.05, 0.15, 0.1, 1.0]), 5)
    assert bins.centre == pytest.approx([0.1, 0.9])
    assert bins.predicted == pytest.approx([0.1, 1.0])
    assert bins.observed == pytest.approx([2 / 3, 1.0])
    assert bins.pictures.tolist() == [3, 1]
