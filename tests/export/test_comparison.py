"""What exported formats are held to, on made-up answers."""

import numpy as np
import pytest

from realfake.core.errors import UserError
from realfake.export.comparison import Comparison, measure_quality, named_metrics, require_quality
from realfake.export.results import Quality, Speed

LABELS = np.array([0, 0, 1, 1], dtype=np.uint8)
REFERENCE = np.array([0.1, 0.6, 0.7, 0.9], dtype=np.float32)
SPEED = Speed(p50_ms=1.5, p95_ms=2.5, pictures_per_second=1234.0, cold_start_ms=12.0)


def comparison(probabilities: list[float], reference: np.ndarray = REFERENCE) -> Comparison:
    found = np.array(probabilities, dtype=np.float32)
    row = measure_quality(1_500_000, found, reference, LABELS)
    expected = measure_quality(0, reference, reference, LABELS).accuracy
    return Comparison({"litert_int8": row}, {"litert_int8": SPEED}, {"litert_int8": found}, reference, expected)


def test_quality_counts_labels_and_differences() -> None:
    found = measure_quality(7, np.array([0.1, 0.4, 0.4, 0.5], dtype=np.float32), REFERENCE, LABELS)
    assert found == Quality(bytes=7, accuracy=0.75, agreement=0.5, max_difference=0.4)


def test_an_equal_or_better_format_passes() -> None:
    require_quality(comparison(list(REFERENCE)), 0.0)
    require_quality(comparison([0.1, 0.4, 0.7, 0.9]), 0.0)


def test_the_allowed_drop_is_allowed_and_no_more() -> None:
    worse = comparison([0.1, 0.6, 0.4, 0.9])
    require_quality(worse, 0.25)
    with pytest.raises(UserError, match=r"litert_int8 loses 0\.2500 .*0\.7500 to 0\.5000.*max_accuracy_drop 0\.24"):
        require_quality(worse, 0.24)


def test_a_constant_answer_is_a_collapse_whatever_drop_is_allowed() -> None:
    with pytest.raises(UserError, match=r"litert_int8 collapsed: .*0\.0000 .*0\.8000"):
        require_quality(comparison([0.6, 0.6, 0.6, 0.6]), 1.0)


def test_a_constant_answer_is_none_where_keras_is_constant_too() -> None:
    require_quality(comparison([0.5] * 4, np.array([0.501, 0.502, 0.503, 0.504], dtype=np.float32)), 1.0)


def test_answers_that_are_no_numbers_are_refused() -> None:
    found = comparison([0.1, np.nan, 0.7, 0.9])
    assert found.qualities["litert_int8"].max_difference == 1.0
    with pytest.raises(UserError, match="litert_int8 gives answers that are no numbers"):
        require_quality(found, 1.0)


def test_flat_names_every_figure() -> None:
    named = named_metrics(comparison(list(REFERENCE)))
    assert named["export/litert_int8/accuracy"] == 0.75
    assert named["export/litert_int8/p50_ms"] == 1.5
    assert len(named) == 8
