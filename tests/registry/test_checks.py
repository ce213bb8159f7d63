"""Each check passes, refuses or does not apply, with a reason."""

import math

import pytest

from realfake.config.tool_schema import Limit
from realfake.export.results import Quality
from realfake.metrics.paired_bootstrap import PairedComparison
from realfake.registry import checks
from realfake.registry.checks import Check, Latency

PAIRED = PairedComparison(1000, 0.94, 0.95, -0.01, -0.018, 20, 30)


@pytest.mark.parametrize(
    ("limit", "value", "passed"),
    [
        (Limit(min=0.9), 0.9, True),
        (Limit(min=0.9), 0.8999, False),
        (Limit(max=0.1), 0.1, True),
        (Limit(max=0.1), 0.11, False),
        (Limit(min=0.2, max=0.4), 0.3, True),
        (Limit(min=0.2, max=0.4), 0.5, False),
        (Limit(min=0.9), math.nan, False),
        (Limit(max=0.9), math.nan, False),
    ],
)
def test_a_metric_must_lie_within_its_limits(limit, value, passed):
    (check,) = checks.limit_checks({"test/accuracy": limit}, {"test/accuracy": value})
    assert check.passed is passed


def test_the_check_of_a_missing_metric_does_not_apply_and_suggests_a_name():
    (check,) = checks.limit_checks({"test/acuracy": Limit(min=0.9)}, {"test/accuracy": 0.95, "test/ece": 0.1})
    assert check.passed is None
    assert check.state == "not gated"
    assert "test/accuracy?" in check.reason


def test_large_numbers_have_thousands_separators():
    (check,) = checks.limit_checks({"bytes": Limit(max=4000000)}, {"bytes": 228000.0})
    assert (check.required, check.found) == ("at most 4,000,000", "228,000")


def test_a_candidate_trained_on_test_pictures_or_on_unknown_ones_is_refused():
    assert checks.unseen_check(100, 0).passed
    assert checks.unseen_check(100, 1).passed is False
    assert checks.unseen_check(100, 1).found == "99 of 100"
    assert checks.unseen_check(100, None).passed is False


def test_a_run_without_exported_files_is_refused():
    assert checks.formats_check({}).passed is False
    found = {name: Quality(1000, 0.9, agreement, 0.1) for name, agreement in (("keras", 1.0), ("litert_int8", 0.994))}
    assert checks.formats_check(found).passed
    assert "litert_int8, 99.40%" in checks.formats_check(found).reason


def test_the_candidate_must_not_lose_more_than_allowed_with_95_percent_confidence():
    assert checks.accuracy_check(PAIRED, 0.02, 0, "version 1").passed
    refused = checks.accuracy_check(PAIRED, 0.015, 7, "version 1")
    assert refused.passed is False
    for number in ("94.00%", "95.00% of version 1", "1,000 pictures", "; 7 "):
        assert number in refused.reason
    assert checks.accuracy_check(None, 0.02, 0, None).passed is None, "without a champion there is nothing to lose"
    assert checks.accuracy_check(None, 0.02, 990, "version 1").passed is False, "too few pictures are new to both"


def test_the_number_of_pictures_needed_is_that_of_the_rule_of_three():
    """If none of n pictures is lost, the loss is below 3 / n with a confidence of 95 %."""
    assert checks.min_pictures(0.02) == 149
    assert checks.min_pictures(0.5) == 5
    assert checks.min_pictures(1.0) == 2
    assert checks.min_pictures(0.0) == 598


def test_the_limit_of_the_latency_is_a_ratio():
    assert checks.latency_check(Latency(1.4, 0.14, 0.1), 1.5, "").passed
    assert checks.latency_check(Latency(1.6, 0.16, 0.1), 1.5, "").passed is False
    assert checks.latency_check(None, 1.5, "there is no champion yet").passed is None


def test_a_check_that_does_not_apply_does_not_refuse():
    passed = (Check("a", "x", "y", True, "r"), Check("b", "x", "-", None, "r"))
    assert checks.may_be_promoted(passed)
    assert not checks.may_be_promoted((*passed, Check("c", "x", "y", False, "r")))
