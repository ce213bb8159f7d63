"""The gate: what must hold before a candidate becomes champion. Pure functions; `promote:` has the limits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from realfake.config.messages import suggest_name
from realfake.config.tool_schema import Limit
from realfake.export.results import Quality
from realfake.metrics.paired_bootstrap import PairedComparison


@dataclass(frozen=True)
class Check:
    """One row of a verdict."""

    name: str
    required: str
    found: str
    passed: bool | None
    """None: not gated."""
    reason: str

    @property
    def state(self) -> str:
        """`passed`, `refused` or `not gated`."""
        return {True: "passed", False: "refused", None: "not gated"}[self.passed]


Checks = tuple[Check, ...]


def fewest(allowed: float) -> int:
    """Independent pictures that a comparison needs: with fewer, even one without a single loss is no 95 % proof.

    A bootstrap of no losses has no spread and does not say this itself: (1 - allowed) ** n < 0.05, the rule of three.
    """
    return math.ceil(math.log(0.05) / math.log(1 - min(max(allowed, 0.005), 0.9)))


@dataclass(frozen=True)
class Latency:
    """Median time for one picture, candidate over champion, their files taking turns in one process."""

    ratio: float
    candidate_ms: float
    champion_ms: float


def limit_checks(limits: Mapping[str, Limit], figures: Mapping[str, float]) -> list[Check]:
    """Absolute thresholds: figures of the run by name, from or up to which it may become champion."""
    return [_limit(name, limit, figures) for name, limit in limits.items()]


def _limit(name: str, limit: Limit, figures: Mapping[str, float]) -> Check:
    ends = [
        f"{word} {_number(value)}"
        for word, value in (("at least", limit.min), ("at most", limit.max))
        if value is not None
    ]
    required = ", ".join(ends)
    if name not in figures:
        return Check(
            name, required, "-", None, f"the run has no such figure (yet); {suggest_name(name, sorted(figures))}"
        )
    value = figures[name]
    low = limit.min is not None and not value >= limit.min  # NaN is no pass
    high = limit.max is not None and not value <= limit.max
    reason = "below the limit" if low else "above the limit" if high else "within the limit"
    return Check(name, required, _number(value), not (low or high), reason)


def _number(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def unseen_check(pictures: int, seen: int | None) -> Check:
    """The test pictures must be new to the candidate and to all that it started from.

    Args:
        pictures: of the test set.
        seen: how many of them stood in train or val; None where that is not recorded.
    """
    name, required = "test pictures unseen", "all"
    if seen is None:
        reason = "the run does not say what it learnt from; train it again, or bring back its data"
        return Check(name, required, "unknown", False, reason)
    reason = "none stood in train or val" if not seen else "the candidate, or what it started from, learnt from them"
    return Check(name, required, f"{pictures - seen:,} of {pictures:,}", not seen, reason)


def formats_check(formats: Mapping[str, Quality]) -> Check:
    """The export stage must have written and passed every format; it refuses those that lost too much accuracy."""
    name, required = "export", "every format passed"
    if not formats:
        return Check(name, required, "none", False, "the run has no exported files; `dvc repro` makes them")
    worst = min(formats, key=lambda name: formats[name].agreement)
    found = f"{len(formats)} formats"
    return Check(name, required, found, True, f"lowest agreement with Keras: {worst}, {formats[worst].agreement:.2%}")


def accuracy_check(paired: PairedComparison | None, allowed: float, left_out: int, champion: str | None) -> Check:
    """Non-inferiority: with 95 % confidence the candidate loses no more than `allowed` against the champion.

    Args:
        paired: both on the same pictures; None without a champion.
        allowed: accuracy that may be lost, in [0, 1].
        left_out: test pictures that the champion had learnt from.
        champion: what it is called.
    """
    name = "accuracy against champion"
    required = f"loses at most {allowed:.2%} (95 % sure)"
    if champion is None:
        return Check(name, required, "-", None, "there is no champion yet")
    without = f"; {left_out:,} that {champion} learnt from are left out" if left_out else ""
    if paired is None:
        return Check(
            name, required, "-", False, f"fewer than {fewest(allowed):,} independent test pictures new to both{without}"
        )
    reason = (
        f"{paired.candidate:.2%} against {paired.champion:.2%} of {champion} on the same {paired.pictures:,} pictures; "
        f"right alone on {paired.only_candidate:,} and {paired.only_champion:,}{without}"
    )
    found = f"{paired.difference:+.2%} (lower end {paired.low:+.2%})"
    return Check(name, required, found, paired.low >= -allowed, reason)


def latency_check(latency: Latency | None, allowed: float, why_not: str) -> Check:
    """The candidate's file may be slower than the champion's by a factor at most; a ratio, as machines differ."""
    name, required = "latency against champion", f"at most {allowed:g} times"
    if latency is None:
        return Check(name, required, "-", None, why_not)
    reason = f"{latency.candidate_ms:.3f} ms a picture against {latency.champion_ms:.3f} ms, measured in turns"
    return Check(name, required, f"{latency.ratio:.2f} times", latency.ratio <= allowed, reason)


def promoted(checks: Checks) -> bool:
    """Whether nothing refuses; what is not gated does not."""
    return all(check.passed is not False for check in checks)
