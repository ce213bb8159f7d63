"""Provide predictions to score, and their scores by scikit-learn."""

import numpy as np
from sklearn import metrics as sklearn

from realfake.core.arrays import Labels
from realfake.metrics.scores import Array


def predictions(count: int = 500, decimals: int = 2, seed: int = 0) -> tuple[Labels, Array]:
    """Draw labels of unequal classes and informative probabilities; few `decimals` give many ties."""
    generator = np.random.default_rng(seed)
    labels = (generator.random(count) < 0.3).astype(np.uint8)
    probabilities = np.clip(generator.normal(0.35 + 0.3 * labels, 0.25), 0, 1).round(decimals)
    return labels, probabilities


def expected(labels: Labels, probabilities: Array, weights: Array | None = None) -> dict[str, float]:
    """Compute the scores at threshold 0.4 with scikit-learn."""
    called = probabilities >= 0.4
    given = {"sample_weight": weights}
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return {
        "accuracy": sklearn.accuracy_score(labels, called, **given),
        "precision": sklearn.precision_score(labels, called, **given),
        "recall": sklearn.recall_score(labels, called, **given),
        "fake_recall": sklearn.recall_score(labels, called, pos_label=0, **given),
        "f1": sklearn.f1_score(labels, called, **given),
        "roc_auc": sklearn.roc_auc_score(labels, probabilities, **given),
        "pr_auc": sklearn.average_precision_score(labels, probabilities, **given),
        "brier": sklearn.brier_score_loss(labels, probabilities, **given),
        "log_loss": sklearn.log_loss(labels, clipped, **given),
    }
