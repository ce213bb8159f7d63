"""The result of a test: scores with intervals, of all pictures and by class."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from realfake.config.schema import EvaluateParams
from realfake.core.arrays import Probabilities
from realfake.core.errors import UserError
from realfake.data.dataset import CIFAR_CLASSES, CLASSES, Split
from realfake.evaluation.predictions import DECIMALS
from realfake.metrics.bootstrap import Interval, accuracy_intervals, bootstrap_intervals, bootstrap_weights
from realfake.metrics.scores import SCORES, Array, confusion, scores


class ClassScore(NamedTuple):
    """Accuracy on the pictures of one class or CIFAR subject."""

    accuracy: float
    interval: Interval
    pictures: int


@dataclass(frozen=True)
class Evaluation:
    """What a network makes of the test pictures."""

    split: Split
    probabilities: Array
    """float64 (N,), P(REAL), rounded to DECIMALS."""
    scores: dict[str, float]
    """metrics.scores.SCORES on all test pictures, as other people report them."""
    intervals: dict[str, Interval]
    cleaned: dict[str, float]
    """The same without the pictures that also stood in train; NaN where none remains."""
    by_class: dict[str, ClassScore]
    """FAKE, REAL, and each CIFAR subject that names tell."""


def evaluate_predictions(split: Split, probabilities: Probabilities, params: EvaluateParams) -> Evaluation:
    """Score P(REAL) of one split's pictures.

    Args:
        split: pictures, labels and manifest rows of N pictures.
        probabilities: float (N,).
        params: threshold, bins, resamples and seed.

    Raises:
        UserError: a probability is not a number.
    """
    if not np.isfinite(probabilities).all():
        raise UserError("the network answers NaN for some pictures; its training failed: lower optimizer.learning_rate")
    labels, rounded = split.labels, probabilities.astype(np.float64).round(DECIMALS)
    rule = params.threshold, params.calibration_bins
    weights = bootstrap_weights(labels, [row.group for row in split.rows], params.bootstrap, params.seed)
    kept = np.array([not row.leaked for row in split.rows])
    return Evaluation(
        split,
        rounded,
        scores=scores(labels, rounded, *rule),
        intervals=bootstrap_intervals(labels, rounded, *rule, weights),
        cleaned=scores(labels[kept], rounded[kept], *rule) if kept.any() else dict.fromkeys(SCORES, math.nan),
        by_class=_by_class(split, rounded, params),
    )


def named_metrics(evaluation: Evaluation) -> dict[str, float]:
    """All figures under one name each, as MLflow wants them: test/accuracy, test/accuracy_ci_low, ..."""
    named = {f"test/{name}": value for name, value in evaluation.scores.items()}
    for name, interval in evaluation.intervals.items():
        named |= {f"test/{name}_ci_low": interval.low, f"test/{name}_ci_high": interval.high}
    named |= {f"test/cleaned/{name}": value for name, value in evaluation.cleaned.items()}
    named |= {f"test/class/{name}": score.accuracy for name, score in evaluation.by_class.items()}
    return {name: value for name, value in named.items() if math.isfinite(value)}


def summary(evaluation: Evaluation, threshold: float) -> str:
    """What a person wants to know first, a few lines."""
    labels, found, intervals = evaluation.split.labels, evaluation.scores, evaluation.intervals
    leaked = sum(row.leaked for row in evaluation.split.rows)
    low, high = intervals["accuracy"]
    lines = [f"accuracy  {found['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%})"]
    if leaked:
        lines[0] += f"; {evaluation.cleaned['accuracy']:.2%} without {leaked:,} pictures that also stood in train"
    low, high = intervals["roc_auc"]
    lines.append(f"ROC-AUC   {found['roc_auc']:.4f} (95% interval {low:.4f} to {high:.4f})")
    lines.append(f"{len(labels):>8,} pictures   called FAKE   called REAL")
    counts = confusion(labels, evaluation.probabilities, threshold)
    for name, (fake, real) in zip(CLASSES, counts, strict=True):
        lines.append(f"{f'true {name}':>17}   {fake:>11,}   {real:>11,}")
    return "\n".join(lines)


def _by_class(split: Split, probabilities: Array, params: EvaluateParams) -> dict[str, ClassScore]:
    subjects = np.array([row.cifar_class for row in split.rows])
    members = {name: split.labels == label for label, name in enumerate(CLASSES)}
    members |= {name: subjects == name for name in CIFAR_CLASSES if name in subjects}
    right = (probabilities >= params.threshold) == (split.labels == 1)
    weights = bootstrap_weights(split.labels, [row.group for row in split.rows], params.bootstrap, params.seed)
    intervals = accuracy_intervals(right, np.array(list(members.values())), weights)
    return {
        name: ClassScore(float(right[member].mean()), interval, int(member.sum()))
        for (name, member), interval in zip(members.items(), intervals, strict=True)
    }
