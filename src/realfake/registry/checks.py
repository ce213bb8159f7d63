"""Check a candidate's measurements against the limits of the group `promote` of params.yaml: pure functions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from realfake.config.messages import suggest_name
from realfake.config.tool_schema import Limit
from realfake.export.results import Quality
from realfake.metrics.paired_bootstrap import PairedComparison


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    """What was checked."""
    required: str
    """What is required, in words."""
    found: str
    """What was measured, in words."""
    passed: bool | None
    """Whether the requirement is met; None if the check does not apply."""
    reason: str
    """Why it passed, failed or does not apply."""

    @property
    def state(self) -> str:
        """Return the result in words: `passed`, `refused` or `not gated`."""
        return {True: "passed", False: "refused", None: "not gated"}[self.passed]


Checks = tuple[Check, ...]
"""All checks of a candidate."""


def min_pictures(allowed: float) -> int:
    """Return how many independent pictures a comparison needs to have 95 % confidence.

    With fewer, even a candidate that loses no picture may lose more than allowed, and the bootstrap cannot show it:
    its resamples have no spread. The number n satisfies (1 - allowed) ** n < 0.05, the rule of three.

    Args:
        allowed: accuracy that may be lost, in [0, 1].
    """
    return math.ceil(math.log(0.05) / math.log(1 - min(max(allowed, 0.005), 0.9)))


@dataclass(frozen=True)
class Latency:
    """Latencies of the exported files of candidate and champion, run alternately in one process."""

    ratio: float
    """Candidate's latency divided by the champion's."""
    candidate_ms: float
    """Median time for one picture in milliseconds."""
    champion_ms: float
    """Median time for one picture in milliseconds."""


def limit_checks(limits: Mapping[str, Limit], metrics: Mapping[str, float]) -> list[Check]:
    """Check metrics of the candidate's run, given by name, against their absolute limits."""
    return [_check_limit(name, limit, metrics) for name, limit in limits.items()]


def _check_limit(name: str, limit: Limit, metrics: Mapping[str, float]) -> Check:
    """Check one metric; the check does not apply where the run does not have it."""
    ends = [
        f"{word} {_number(value)}"
        for word, value in (("at least", limit.min), ("at most", limit.max))
        if value is not None
    ]
    required = ", ".join(ends)
    if name not in metrics:
        reason = f"the run has no such metric (yet); {suggest_name(name, sorted(metrics))}"
        return Check(name, required, "-", None, reason)
    value = metrics[name]
    low = limit.min is not None and not value >= limit.min  # NaN does not pass
    high = limit.max is not None and not value <= limit.max
    reason = "below the limit" if low else "above the limit" if high else "within the limit"
    return Check(name, required, _number(value), not (low or high), reason)


def _number(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def unseen_check(pictures: int, seen: int | None) -> Check:
    """Check that neither the candidate nor a network that it started from was trained on a test picture.

    Args:
        pictures: number of test pictures.
        seen: number of them that were in train or val; None where this is not recorded.
    """
    name, required = "test pictures unseen", "all"
    if seen is None:
        reason = "the run does not record its training pictures; train it again, or restore its data"
        return Check(name, required, "unknown", False, reason)
    reason = "none was in train or val" if not seen else "the candidate, or what it started from, was trained on them"
    return Check(name, required, f"{pictures - seen:,} of {pictures:,}", not seen, reason)


def formats_check(formats: Mapping[str, Quality]) -> Check:
    """Check that the run has exported files. The export stage itself fails where a format loses too much accuracy."""
    name, required = "export", "every format passed"
    if not formats:
        return Check(name, required, "none", False, "the run has no exported files; `dvc repro` writes them")
    worst = min(formats, key=lambda name: formats[name].agreement)
    found = f"{len(formats)} formats"
    return Check(name, required, found, True, f"lowest agreement with Keras: {worst}, {formats[worst].agreement:.2%}")


def accuracy_check(paired: PairedComparison | None, allowed: float, left_out: int, champion: str | None) -> Check:
    """Check non-inferiority: with 95 % confidence the candidate loses at most `allowed` accuracy to the champion.

    Args:
        paired: comparison on the same pictures; None without a champion, or with too few pictures.
        allowed: accuracy that may be lost, in [0, 1].
        left_out: number of test pictures left out, as the champion was trained on them.
        champion: how to name the champion, such as `version 3`; None without one.
    """
    name = "accuracy against champion"
    required = f"loses at most {allowed:.2%} (95 % sure)"
    if champion is None:
        return Check(name, required, "-", None, "there is no champion yet")
    without = f"; {left_out:,} that {champion} was trained on are left out" if left_out else ""
    if paired is None:
        reason = f"fewer than {min_pictures(allowed):,} independent test pictures that are new to both{without}"
        return Check(name, required, "-", False, reason)
    reason = (
        f"{paired.candidate:.2%} against {paired.champion:.2%} of {champion} on the same {paired.pictures:,} pictures; "
        f"only one of them is right on {paired.only_candidate:,} and {paired.only_champion:,}{without}"
    )
    found = f"{paired.difference:+.2%} (lower end {paired.low:+.2%})"
    return Check(name, required, found, paired.low >= -allowed, reason)


def latency_check(latency: Latency | None, allowed: float, why_not: str) -> Check:
    """Check that the candidate's exported file is not slower than the champion's by more than a factor.

    A ratio does not depend on the machine as times do.

    Args:
        latency: measured latencies; None where they cannot be compared.
        allowed: largest ratio.
        why_not: why they cannot be compared.
    """
    name, required = "latency against champion", f"at most {allowed:g} times"
    if latency is None:
        return Check(name, required, "-", None, why_not)
    reason = f"{latency.candidate_ms:.3f} ms a picture against {latency.champion_ms:.3f} ms, measured alternately"
    return Check(name, required, f"{latency.ratio:.2f} times", latency.ratio <= allowed, reason)


def may_be_promoted(checks: Checks) -> bool:
    """Return whether no check refuses the candidate; checks that do not apply refuse nothing."""
    return all(check.passed is not False for check in checks)
