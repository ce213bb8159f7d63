"""How well a network does on damaged pictures: each kind of corruption.SUITE at each of its severities."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from realfake.config.schema import EvaluateParams
from realfake.core.arrays import Pictures, Probabilities
from realfake.data.corruption import SUITE
from realfake.data.dataset import Split, balanced_sample
from realfake.evaluation.results import Condition
from realfake.metrics import scores
from realfake.metrics.bootstrap import Interval, accuracy_intervals, bootstrap_weights

CLEAN = "clean"
_SCORES = ("accuracy", "roc_auc", "fake_recall", "ece")


@dataclass(frozen=True)
class Robustness:
    """Every condition on the same pictures."""

    pictures: int
    clean: Condition
    conditions: tuple[Condition, ...]

    @property
    def means(self) -> dict[str, float]:
        """Mean accuracy and ece over the kinds, each kind's mean over its severities, and the worst condition.

        Kinds weigh alike, however many severities they have (as mCE in Hendrycks & Dietterich 2019).
        """
        by_kind = {kind: [c for c in self.conditions if c.kind == kind] for kind in SUITE}
        accuracy = {kind: fmean(c.accuracy for c in members) for kind, members in by_kind.items()}
        return {
            "accuracy": fmean(accuracy.values()),
            "ece": fmean(fmean(c.ece for c in members) for members in by_kind.values()),
            "worst": min(c.accuracy for c in self.conditions),
            **accuracy,
        }


def measure(
    answer: Callable[[Pictures], Probabilities],
    split: Split,
    clean: Probabilities,
    params: EvaluateParams,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Robustness:
    """Score a network on clean and on damaged pictures.

    Args:
        answer: gives P(REAL), float (N,), of pictures.
        split: N pictures of both classes.
        clean: float (N,), its P(REAL) of the pictures as they are.
        params: how many of the pictures are damaged, threshold, calibration bins, resamples behind the intervals, and
            the seed of what is drawn at random.
        progress: wraps the list of conditions, as tqdm does.
    """
    chosen = balanced_sample(split.labels, params.robustness_pictures, params.seed)
    pictures, labels, groups = split.pictures[chosen], split.labels[chosen], [split.rows[i].group for i in chosen]
    asked = [(kind, severity) for kind in SUITE for severity in SUITE[kind].severities]
    answers = [answer(damage_pictures(pictures, kind, severity, params.seed)) for kind, severity in progress(asked)]
    probabilities = np.stack([clean[chosen], *answers])
    right = (probabilities >= params.threshold) == (labels == 1)
    weights = bootstrap_weights(labels, groups, params.bootstrap, params.seed)
    intervals = accuracy_intervals(right, np.ones_like(right), weights)

    def condition(kind: str, severity: float, probabilities: Probabilities, interval: Interval) -> Condition:
        found = scores.scores(labels, probabilities, params.threshold, params.calibration_bins)
        return Condition(
            kind, severity, **{name: found[name] for name in _SCORES}, ci_low=interval.low, ci_high=interval.high
        )

    rows = zip([(CLEAN, 0.0), *asked], probabilities, intervals, strict=True)
    unharmed, *conditions = (condition(*one, theirs, interval) for one, theirs, interval in rows)
    return Robustness(len(labels), unharmed, tuple(conditions))


def damage_pictures(pictures: Pictures, kind: str, severity: float, seed: int) -> Pictures:
    """All pictures after one kind of damage, uint8 (N, S, S, 3).

    Args:
        kind: a name of corruption.SUITE.
        severity: as the kind counts it.
        seed: of what is drawn at random; the same for every severity, so that noise grows and does not change.
    """
    random = np.random.default_rng((seed, list(SUITE).index(kind)))
    seen = np.empty_like(pictures)
    for place, picture in enumerate(pictures):
        seen[place] = SUITE[kind].apply(picture, severity, random)
    return seen


def summary(robustness: Robustness) -> str:
    """What a person wants to know, one line: mean, calibration, and the condition that hurts most."""
    means, worst = robustness.means, min(robustness.conditions, key=lambda row: row.accuracy)
    return (
        f"damaged   {means['accuracy']:.2%} over {len(SUITE)} kinds of damage, ECE {means['ece']:.1%}; "
        f"worst: {worst.kind} {worst.severity:g}, {worst.accuracy:.2%}"
    )


def named_metrics(robustness: Robustness) -> dict[str, float]:
    """All figures under one name each, as MLflow and the gate want them: test/robust/accuracy, test/robust/jpeg_40."""
    named = {f"test/robust/{name}": value for name, value in robustness.means.items()}
    for row in robustness.conditions:
        named[f"test/robust/{row.kind}_{row.severity:g}"] = row.accuracy
        named[f"test/robust/ece/{row.kind}_{row.severity:g}"] = row.ece
    return {name: value for name, value in named.items() if math.isfinite(value)}
