"""Formats are compared with Keras, and those that lose too much quality are an error, on made-up predictions."""

import numpy as np
import pytest

from realfake.core.errors import UserError
from realfake.export.comparison import Comparison, measure_quality, named_metrics, require_quality
from realfake.export.results import Quality, Speed

LABELS = np.array([0, 0, 1, 1], dtype=np.uint8)
REFERENCE = np.array([0.1, 0.6, 0.7, 0.9], dtype=np.float32)
SPEED = Speed(p50_ms=1.5, p95_ms=2.5, pictures_per_second=1234.0, cold_start_ms=12.0)


def comparison(values: list[float], reference: np.ndarray = REFERENCE) -> Comparison:
    probabilities = np.array(values, dtype=np.float32)
    quality = measure_quality(1_500_000, probabilities, reference, LABELS)
    expected = measure_quality(0, reference, reference, LABELS).accuracy
    return Comparison(
        {"litert_int8": quality}, {"litert_int8": SPEED}, {"litert_int8": probabilities}, reference, expected
    )


def test_quality_has_accuracy_agreement_and_largest_difference() -> None:
    quality = measure_quality(7, np.array([0.1, 0.4, 0.4, 0.5], dtype=np.float32), REFERENCE, LABELS)
    assert quality == Quality(bytes=7, accuracy=0.75, agreement=0.5, max_difference=0.4)


def test_an_equal_or_better_format_is_accepted() -> None:
    require_quality(comparison(list(REFERENCE)), 0.0)
    require_quality(comparison([0.1, 0.4, 0.7, 0.9]), 0.0)


def test_a_loss_of_accuracy_up_to_the_limit_is_accepted() -> None:
    worse = comparison([0.1, 0.6, 0.4, 0.9])
    require_quality(worse, 0.25)
    with pytest.raises(UserError, match=r"litert_int8 .*0\.2500 .*0\.7500 .*0\.5000.*max_accuracy_drop 0\.24"):
        require_quality(worse, 0.24)


def test_a_constant_prediction_is_an_error_whatever_loss_is_allowed() -> None:
    with pytest.raises(UserError, match=r"litert_int8 collapsed.*0\.0000.*0\.8000"):
        require_quality(comparison([0.6, 0.6, 0.6, 0.6]), 1.0)


def test_a_constant_prediction_is_accepted_if_that_of_keras_is_constant_too() -> None:
    require_quality(comparison([0.5] * 4, np.array([0.501, 0.502, 0.503, 0.504], dtype=np.float32)), 1.0)


def test_a_prediction_that_is_nan_is_an_error() -> None:
    with_nan = comparison([0.1, np.nan, 0.7, 0.9])
    assert with_nan.qualities["litert_int8"].max_difference == 1.0
    with pytest.raises(UserError, match=r"litert_int8 .*not a number"):
        require_quality(with_nan, 1.0)


def test_metrics_for_mlflow_have_all_values_of_a_format() -> None:
    named = named_metrics(comparison(list(REFERENCE)))
    assert named["export/litert_int8/accuracy"] == 0.75
    assert named["export/litert_int8/p50_ms"] == 1.5
    assert len(named) == 8
