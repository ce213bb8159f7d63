"""Evaluate a network on damaged pictures: every kind of corruption.SUITE at every severity."""

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
"""Kind of the condition without damage."""
_SCORES = ("accuracy", "roc_auc", "fake_recall", "ece")
"""Scores of a condition."""


@dataclass(frozen=True)
class Robustness:
    """Hold the scores under every condition, on the same pictures."""

    pictures: int
    """Number of pictures per condition."""
    clean: Condition
    """Scores without damage."""
    conditions: tuple[Condition, ...]
    """Scores of every kind of damage at every severity."""

    @property
    def means(self) -> dict[str, float]:
        """Return the mean accuracy and ece over all kinds, the worst accuracy, and each kind's mean accuracy.

        All kinds have the same weight, however many severities they have (as in mCE, Hendrycks & Dietterich 2019).
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
    predict: Callable[[Pictures], Probabilities],
    split: Split,
    clean: Probabilities,
    params: EvaluateParams,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Robustness:
    """Score a network on clean and on damaged pictures.

    Args:
        predict: returns P(REAL), float (N,), of pictures.
        split: pictures of both classes.
        clean: P(REAL) of the clean pictures, float (N,).
        params: evaluation parameters: number of pictures to damage, threshold, calibration bins, bootstrap resamples,
            seed.
        progress: wraps the conditions to show progress, as tqdm does.
    """
    chosen = balanced_sample(split.labels, params.robustness_pictures, params.seed)
    pictures, labels, groups = split.pictures[chosen], split.labels[chosen], [split.rows[i].group for i in chosen]
    damages = [(kind, severity) for kind in SUITE for severity in SUITE[kind].severities]
    damaged = [predict(damage_pictures(pictures, kind, severity, params.seed)) for kind, severity in progress(damages)]
    probabilities = np.stack([clean[chosen], *damaged])
    right = (probabilities >= params.threshold) == (labels == 1)
    weights = bootstrap_weights(labels, groups, params.bootstrap, params.seed)
    intervals = accuracy_intervals(right, np.ones_like(right), weights)

    def score(kind: str, severity: float, probabilities: Probabilities, interval: Interval) -> Condition:
        values = scores.scores(labels, probabilities, params.threshold, params.calibration_bins)
        return Condition(
            kind, severity, **{name: values[name] for name in _SCORES}, ci_low=interval.low, ci_high=interval.high
        )

    rows = zip([(CLEAN, 0.0), *damages], probabilities, intervals, strict=True)
    without_damage, *conditions = (score(*damage, row, interval) for damage, row, interval in rows)
    return Robustness(len(labels), without_damage, tuple(conditions))


def damage_pictures(pictures: Pictures, kind: str, severity: float, seed: int) -> Pictures:
    """Damage pictures in one way and return them as uint8 (N, S, S, 3).

    Args:
        pictures: uint8 (N, S, S, 3).
        kind: name of the damage in corruption.SUITE.
        severity: severity in the unit of the kind.
        seed: seed of random damage. Every severity draws the same random numbers, so that noise only grows.
    """
    random = np.random.default_rng((seed, list(SUITE).index(kind)))
    damaged = np.empty_like(pictures)
    for index, picture in enumerate(pictures):
        damaged[index] = SUITE[kind].apply(picture, severity, random)
    return damaged


def summary(robustness: Robustness) -> str:
    """Return one line for the terminal: mean accuracy, calibration error and the worst condition."""
    means, worst = robustness.means, min(robustness.conditions, key=lambda row: row.accuracy)
    return (
        f"damaged   {means['accuracy']:.2%} over {len(SUITE)} kinds of damage, ECE {means['ece']:.1%}; "
        f"worst: {worst.kind} {worst.severity:g}, {worst.accuracy:.2%}"
    )


def named_metrics(robustness: Robustness) -> dict[str, float]:
    """Return all finite scores by metric name, for MLflow and the gate: test/robust/accuracy, test/robust/jpeg_40."""
    named = {f"test/robust/{name}": value for name, value in robustness.means.items()}
    for row in robustness.conditions:
        named[f"test/robust/{row.kind}_{row.severity:g}"] = row.accuracy
        named[f"test/robust/ece/{row.kind}_{row.severity:g}"] = row.ece
    return {name: value for name, value in named.items() if math.isfinite(value)}
