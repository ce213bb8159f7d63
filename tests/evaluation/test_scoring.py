"""Intervals resample groups of pictures, and the summary and MLflow's metrics have the computed scores."""

import numpy as np
import pytest
from scored import COUNT, PARAMS, predict, split

from realfake.core.errors import UserError
from realfake.data.dataset import ManifestRow, Split
from realfake.evaluation import scoring
from realfake.metrics import bootstrap


@pytest.fixture(scope="module")
def test_split() -> Split:
    return split()


@pytest.fixture(scope="module")
def probabilities(test_split: Split) -> np.ndarray:
    return predict(test_split.pictures)


def test_intervals_resample_groups(test_split: Split, probabilities: np.ndarray) -> None:
    low, high = scoring.evaluate_predictions(test_split, probabilities, PARAMS).intervals["recall"]
    groups = [row.group for row in test_split.rows]
    weights = bootstrap.bootstrap_weights(test_split.labels, groups, 100, PARAMS.seed)
    right = (probabilities >= 0.5) & (test_split.labels == 1)
    recalls = np.concatenate([block @ right for block in weights]) / 30
    assert (low, high) == pytest.approx(np.percentile(recalls, (2.5, 97.5)))


def test_the_summary_has_scores_leakage_and_confusion(test_split: Split, probabilities: np.ndarray) -> None:
    result = scoring.evaluate_predictions(test_split, probabilities, PARAMS)
    lines = scoring.summary(result, PARAMS.threshold).splitlines()
    assert f"{result.scores['accuracy']:.2%} (95% interval" in lines[0]
    assert f"{result.cleaned['accuracy']:.2%} without 6 pictures" in lines[0]
    called_real = int((probabilities[COUNT // 2 :] >= 0.5).sum())
    assert lines[-1].split() == ["true", "REAL", str(30 - called_real), str(called_real)]


def test_metrics_for_mlflow_are_finite(test_split: Split, probabilities: np.ndarray) -> None:
    leaked = [ManifestRow("test", row.label, row.name, row.sha256, row.group, "", True) for row in test_split.rows]
    result = scoring.evaluate_predictions(Split(test_split.pictures, test_split.labels, leaked), probabilities, PARAMS)
    named = scoring.named_metrics(result)
    assert named["test/accuracy_ci_low"] < named["test/accuracy"] < named["test/accuracy_ci_high"]
    assert named["test/class/REAL"] == named["test/recall"]
    assert not any(name.startswith("test/cleaned") for name in named), "without pictures there is no score"


def test_a_probability_that_is_nan_is_a_one_line_error(test_split: Split, probabilities: np.ndarray) -> None:
    with pytest.raises(UserError, match="NaN"):
        scoring.evaluate_predictions(test_split, np.where(np.arange(COUNT) == 3, np.nan, probabilities), PARAMS)
