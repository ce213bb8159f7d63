"""The gate's rows: what passes, what refuses, what is not gated, each with its reason."""

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
def test_a_figure_stays_within_its_limit(limit, value, passed):
    (check,) = checks.limit_checks({"test/accuracy": limit}, {"test/accuracy": value})
    assert check.passed is passed


def test_a_figure_that_the_run_does_not_have_is_not_gated_and_says_what_may_be_meant():
    (check,) = checks.limit_checks({"test/acuracy": Limit(min=0.9)}, {"test/accuracy": 0.95, "test/ece": 0.1})
    assert check.passed is None
    assert check.state == "not gated"
    assert "did you mean test/accuracy?" in check.reason


def test_bytes_are_written_out():
    (check,) = checks.limit_checks({"bytes": Limit(max=4000000)}, {"bytes": 228000.0})
    assert (check.required, check.found) == ("at most 4,000,000", "228,000")


def test_test_pictures_that_were_learnt_from_refuse_and_so_does_not_knowing():
    assert checks.unseen_check(100, 0).passed
    assert checks.unseen_check(100, 1).passed is False
    assert checks.unseen_check(100, 1).found == "99 of 100"
    assert checks.unseen_check(100, None).passed is False


def test_a_run_without_exported_files_is_refused():
    assert checks.formats_check({}).passed is False
    found = {name: Quality(1000, 0.9, agreement, 0.1) for name, agreement in (("keras", 1.0), ("litert_int8", 0.994))}
    assert checks.formats_check(found).passed
    assert "litert_int8, 99.40%" in checks.formats_check(found).reason


def test_the_candidate_must_surely_not_lose_more_than_allowed():
    assert checks.accuracy_check(PAIRED, 0.02, 0, "version 1").passed
    refused = checks.accuracy_check(PAIRED, 0.015, 7, "version 1")
    assert refused.passed is False
    assert "94.00% against 95.00% of version 1 on the same 1,000 pictures" in refused.reason
    assert "7 that version 1 learnt from are left out" in refused.reason
    assert checks.accuracy_check(None, 0.02, 0, None).passed is None, "without a champion there is nothing to lose"
    assert checks.accuracy_check(None, 0.02, 990, "version 1").passed is False, "too few pictures are new to both"


def test_few_pictures_prove_nothing():
    """The rule of three: so many without a single loss are 95 % sure to lose no more than that."""
    assert checks.fewest(0.02) == 149
    assert checks.fewest(0.5) == 5
    assert checks.fewest(1.0) == 2
    assert checks.fewest(0.0) == 598


def test_latency_is_a_ratio():
    assert checks.latency_check(Latency(1.4, 0.14, 0.1), 1.5, "").passed
    assert checks.latency_check(Latency(1.6, 0.16, 0.1), 1.5, "").passed is False
    assert checks.latency_check(None, 1.5, "there is no champion yet").passed is None


def test_what_is_not_gated_does_not_refuse():
    passed = (Check("a", "x", "y", True, "r"), Check("b", "x", "-", None, "r"))
    assert checks.promoted(passed)
    assert not checks.promoted((*passed, Check("c", "x", "y", False, "r")))
