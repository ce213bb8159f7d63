"""Score the predictions for test pictures, with intervals: on all pictures, without leaked ones, and by class."""

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
    """Hold the accuracy on the pictures of one class or CIFAR class."""

    accuracy: float
    """Accuracy, 0 to 1."""
    interval: Interval
    """95 % interval of the accuracy."""
    pictures: int
    """Number of pictures."""


@dataclass(frozen=True)
class Evaluation:
    """Hold the predictions for the pictures of a split, and their scores."""

    split: Split
    """The N pictures with labels and manifest rows."""
    probabilities: Array
    """P(REAL), float64 (N,), rounded to DECIMALS."""
    scores: dict[str, float]
    """Scores on all pictures, by the names of metrics.scores.SCORES."""
    intervals: dict[str, Interval]
    """95 % intervals of `scores`."""
    cleaned: dict[str, float]
    """Scores without the pictures that are also in the archive's train (leaked); NaN if none remains."""
    by_class: dict[str, ClassScore]
    """Accuracy on FAKE, on REAL, and on each CIFAR class that file names give."""


def evaluate_predictions(split: Split, probabilities: Probabilities, params: EvaluateParams) -> Evaluation:
    """Score P(REAL) of one split's pictures.

    Args:
        split: N pictures with labels and manifest rows.
        probabilities: P(REAL), float (N,).
        params: evaluation parameters: threshold, calibration bins, bootstrap resamples, seed.

    Raises:
        UserError: a probability is not a number.
    """
    if not np.isfinite(probabilities).all():
        raise UserError(
            "the network's P(REAL) is NaN for some pictures, so its training failed; lower "
            "train.optimizer.learning_rate and train it again"
        )
    labels, rounded = split.labels, probabilities.astype(np.float64).round(DECIMALS)
    settings = params.threshold, params.calibration_bins
    weights = bootstrap_weights(labels, [row.group for row in split.rows], params.bootstrap, params.seed)
    kept = np.array([not row.leaked for row in split.rows])
    return Evaluation(
        split,
        rounded,
        scores=scores(labels, rounded, *settings),
        intervals=bootstrap_intervals(labels, rounded, *settings, weights),
        cleaned=scores(labels[kept], rounded[kept], *settings) if kept.any() else dict.fromkeys(SCORES, math.nan),
        by_class=_score_by_class(split, rounded, params),
    )


def named_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return all finite scores by metric name, for MLflow: test/accuracy, test/accuracy_ci_low, ..."""
    named = {f"test/{name}": value for name, value in evaluation.scores.items()}
    for name, interval in evaluation.intervals.items():
        named |= {f"test/{name}_ci_low": interval.low, f"test/{name}_ci_high": interval.high}
    named |= {f"test/cleaned/{name}": value for name, value in evaluation.cleaned.items()}
    named |= {f"test/class/{name}": score.accuracy for name, score in evaluation.by_class.items()}
    return {name: value for name, value in named.items() if math.isfinite(value)}


def summary(evaluation: Evaluation, threshold: float) -> str:
    """Return lines for the terminal: accuracy and ROC-AUC with intervals, leakage, and the confusion matrix."""
    labels, found, intervals = evaluation.split.labels, evaluation.scores, evaluation.intervals
    leaked = sum(row.leaked for row in evaluation.split.rows)
    low, high = intervals["accuracy"]
    lines = [f"accuracy  {found['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%})"]
    if leaked:
        cleaned = evaluation.cleaned["accuracy"]
        lines[0] += f"; {cleaned:.2%} without {leaked:,} pictures that are also in the archive's train"
    low, high = intervals["roc_auc"]
    lines.append(f"ROC-AUC   {found['roc_auc']:.4f} (95% interval {low:.4f} to {high:.4f})")
    lines.append(f"{len(labels):>8,} pictures   called FAKE   called REAL")
    counts = confusion(labels, evaluation.probabilities, threshold)
    for name, (fake, real) in zip(CLASSES, counts, strict=True):
        lines.append(f"{f'true {name}':>17}   {fake:>11,}   {real:>11,}")
    return "\n".join(lines)


def _score_by_class(split: Split, probabilities: Array, params: EvaluateParams) -> dict[str, ClassScore]:
    cifar_classes = np.array([row.cifar_class for row in split.rows])
    members = {name: split.labels == label for label, name in enumerate(CLASSES)}
    members |= {name: cifar_classes == name for name in CIFAR_CLASSES if name in cifar_classes}
    right = (probabilities >= params.threshold) == (split.labels == 1)
    weights = bootstrap_weights(split.labels, [row.group for row in split.rows], params.bootstrap, params.seed)
    intervals = accuracy_intervals(right, np.array(list(members.values())), weights)
    return {
        name: ClassScore(float(right[member].mean()), interval, int(member.sum()))
        for (name, member), interval in zip(members.items(), intervals, strict=True)
    }
