"""Scores, compared with those of scikit-learn."""

import math

import numpy as np
import pytest
from predictions import expected, predictions
from sklearn import metrics as sklearn

from realfake.core.arrays import Labels
from realfake.metrics import scores
from realfake.metrics.scores import Array


def naive_calibration_error(labels: Labels, probabilities: Array, bins: int) -> float:
    """Compute the expected calibration error bin by bin."""
    error = 0.0
    for number in range(bins):
        above = probabilities >= number / bins
        member = above & ((probabilities < (number + 1) / bins) | (number == bins - 1))
        if member.any():
            error += member.mean() * abs(probabilities[member].mean() - labels[member].mean())
    return error


@pytest.mark.parametrize("decimals", [1, 2, 6])
def test_scores_agree_with_scikit_learn(decimals: int) -> None:
    labels, probabilities = predictions(decimals=decimals)
    values = scores.scores(labels, probabilities, threshold=0.4, bins=10)
    assert tuple(values) == scores.SCORES
    for name, value in expected(labels, probabilities).items():
        assert values[name] == pytest.approx(value), name


def test_calibration_error_is_the_mean_distance_over_bins() -> None:
    labels, probabilities = predictions(decimals=6)
    assert 1.0 in probabilities and 0.0 in probabilities
    value = scores.scores(labels, probabilities, threshold=0.5, bins=15)["ece"]
    assert value == pytest.approx(naive_calibration_error(labels, probabilities, 15))


def test_the_single_functions_agree_with_scores() -> None:
    labels, probabilities = predictions()
    values = scores.scores(labels, probabilities, threshold=0.4, bins=10)
    assert scores.accuracy(labels, probabilities, threshold=0.4) == pytest.approx(values["accuracy"])
    assert scores.roc_auc(labels, probabilities.astype(np.float32)) == pytest.approx(values["roc_auc"])
    assert scores.log_loss(labels, probabilities) == pytest.approx(values["log_loss"])


def test_a_picture_at_the_threshold_is_called_real() -> None:
    labels = np.array([0, 1], dtype=np.uint8)
    assert scores.accuracy(labels, np.array([0.49, 0.5])) == 1.0
    assert scores.confusion(labels, np.array([0.5, 0.5]), 0.5).tolist() == [[0, 1], [0, 1]]


def test_scores_that_need_both_classes_are_undefined_for_one() -> None:
    labels, probabilities = np.zeros(4, dtype=np.uint8), np.array([0.1, 0.2, 0.3, 0.4])
    values = scores.scores(labels, probabilities, threshold=0.5, bins=10)
    assert values["accuracy"] == values["fake_recall"] == 1.0
    assert values["precision"] == values["f1"] == 0.0
    assert math.isnan(values["recall"]) and math.isnan(values["roc_auc"]) and math.isnan(values["pr_auc"])
    assert math.isnan(scores.roc_auc(labels, probabilities))


def test_confusion_counts_agree_with_scikit_learn() -> None:
    labels, probabilities = predictions()
    counts = scores.confusion(labels, probabilities, 0.4)
    assert counts.tolist() == sklearn.confusion_matrix(labels, probabilities >= 0.4).tolist()
