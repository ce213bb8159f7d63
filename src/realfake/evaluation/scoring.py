"""The result of a test: figures with intervals, and the files that `evaluate` writes about them."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from realfake.config.schema import EvaluateParams
from realfake.core.arrays import Probabilities
from realfake.core.errors import UserError
from realfake.core.files import atomic_file
from realfake.core.json_files import write_json
from realfake.core.plot_style import save
from realfake.data.dataset import CIFAR_CLASSES, CLASSES, Split, balanced_sample
from realfake.evaluation import plots
from realfake.metrics import bootstrap, curves
from realfake.metrics import scores as metrics
from realfake.metrics.bootstrap import Interval
from realfake.metrics.scores import Array

DECIMALS = 7
"""Of the probabilities that are scored and written: predictions.csv gives every figure again."""
_GRID = 32


@dataclass(frozen=True)
class Evaluation:
    """What a network makes of the test pictures."""

    split: Split
    probabilities: Array
    """float64 (N,), P(REAL), rounded to DECIMALS."""
    scores: dict[str, float]
    """metrics.SCORES on all test pictures, as other people report them."""
    intervals: dict[str, Interval]
    cleaned: dict[str, float]
    """The same without the pictures that also stood in train; NaN where none remains."""
    by_class: dict[str, tuple[float, Interval, int]]
    """Accuracy, its interval and the number of pictures: FAKE, REAL, and each CIFAR class that names tell."""


def assess(split: Split, probabilities: Probabilities, params: EvaluateParams) -> Evaluation:
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
    groups = [row.group for row in split.rows]
    intervals = bootstrap.bootstrap_intervals(
        labels, rounded, *rule, bootstrap.resample(labels, groups, params.bootstrap, params.seed)
    )
    kept = np.array([not row.leaked for row in split.rows])
    return Evaluation(
        split,
        rounded,
        metrics.scores(labels, rounded, *rule),
        intervals,
        metrics.scores(labels[kept], rounded[kept], *rule) if kept.any() else dict.fromkeys(metrics.SCORES, math.nan),
        _by_class(split, rounded, params),
    )


def write(evaluation: Evaluation, params: EvaluateParams, folder: Path) -> None:
    """Write scores, predictions, DVC plots and figures into an existing folder."""
    pictures = len(evaluation.probabilities)
    leaked = sum(row.leaked for row in evaluation.split.rows)
    write_json(folder / "metrics.json", rounded(evaluation.scores) | {"pictures": pictures})
    write_json(folder / "ci_low.json", rounded({name: ends.low for name, ends in evaluation.intervals.items()}))
    write_json(folder / "ci_high.json", rounded({name: ends.high for name, ends in evaluation.intervals.items()}))
    write_json(folder / "cleaned.json", rounded(evaluation.cleaned) | {"pictures": pictures - leaked})
    write_json(folder / "decision.json", {"threshold": params.threshold})
    _write_predictions(evaluation, folder / "predictions.csv")
    _write_plots(evaluation, params, folder / "plots")
    _draw(evaluation, params, folder / "figures")


def flat(evaluation: Evaluation) -> dict[str, float]:
    """All figures under one name each, as MLflow wants them: test/accuracy, test/accuracy_ci_low, ..."""
    named = {f"test/{name}": value for name, value in evaluation.scores.items()}
    for name, interval in evaluation.intervals.items():
        named |= {f"test/{name}_ci_low": interval.low, f"test/{name}_ci_high": interval.high}
    named |= {f"test/cleaned/{name}": value for name, value in evaluation.cleaned.items()}
    named |= {f"test/class/{name}": row[0] for name, row in evaluation.by_class.items()}
    return {name: value for name, value in named.items() if math.isfinite(value)}


def summary(evaluation: Evaluation, threshold: float) -> str:
    """What a person wants to know first, a few lines."""
    labels, scores, intervals = evaluation.split.labels, evaluation.scores, evaluation.intervals
    leaked = sum(row.leaked for row in evaluation.split.rows)
    low, high = intervals["accuracy"]
    lines = [f"accuracy  {scores['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%})"]
    if leaked:
        lines[0] += f"; {evaluation.cleaned['accuracy']:.2%} without {leaked:,} pictures that also stood in train"
    low, high = intervals["roc_auc"]
    lines.append(f"ROC-AUC   {scores['roc_auc']:.4f} (95% interval {low:.4f} to {high:.4f})")
    lines.append(f"{len(labels):>8,} pictures   called FAKE   called REAL")
    counts = metrics.confusion(labels, evaluation.probabilities, threshold)
    for name, (fake, real) in zip(CLASSES, counts, strict=True):
        lines.append(f"{f'true {name}':>17}   {fake:>11,}   {real:>11,}")
    return "\n".join(lines)


def _by_class(split: Split, probabilities: Array, params: EvaluateParams) -> dict[str, tuple[float, Interval, int]]:
    subjects = np.array([row.cifar_class for row in split.rows])
    members = {name: split.labels == label for label, name in enumerate(CLASSES)}
    members |= {name: subjects == name for name in CIFAR_CLASSES if name in subjects}
    right = (probabilities >= params.threshold) == (split.labels == 1)
    weights = bootstrap.resample(split.labels, [row.group for row in split.rows], params.bootstrap, params.seed)
    intervals = bootstrap.accuracy_intervals(right, np.array(list(members.values())), weights)
    return {
        name: (float(right[member].mean()), interval, int(member.sum()))
        for (name, member), interval in zip(members.items(), intervals, strict=True)
    }


def _write_predictions(evaluation: Evaluation, path: Path) -> None:
    rows = zip(evaluation.split.rows, evaluation.probabilities, strict=True)
    lines = ([row.name, row.label, f"{probability:.{DECIMALS}f}"] for row, probability in rows)
    _write_csv(path, ("name", "label", "probability"), lines)


def _write_plots(evaluation: Evaluation, params: EvaluateParams, folder: Path) -> None:
    """What `dvc plots` draws: a row a point; for the confusion matrix, which DVC counts itself, a row a picture."""
    labels, probabilities = evaluation.split.labels, evaluation.probabilities
    called = (probabilities >= params.threshold).astype(int)
    names = ([CLASSES[label], CLASSES[call]] for label, call in zip(labels, called, strict=True))
    _write_csv(folder / "confusion.csv", ("true", "called"), names)
    rate, hits = curves.roc_curve(labels, probabilities)
    _write_points(folder / "roc.json", {"fakes_called_real": rate, "photographs_called_real": hits})
    recall, precision = curves.precision_recall_curve(labels, probabilities)
    _write_points(folder / "precision_recall.json", {"recall": recall, "precision": precision})
    bins = curves.reliability(labels, probabilities, params.calibration_bins)
    _write_points(folder / "calibration.json", {"predicted": bins.predicted, "observed": bins.observed})
    classes = [
        {"class": name} | rounded({"accuracy": value, "ci_low": low, "ci_high": high})
        for name, (value, (low, high), _) in evaluation.by_class.items()
    ]
    write_json(folder / "accuracy_by_class.json", classes)


def _draw(evaluation: Evaluation, params: EvaluateParams, folder: Path) -> None:
    labels, probabilities, pictures = evaluation.split.labels, evaluation.probabilities, evaluation.split.pictures
    scores, intervals, bins = evaluation.scores, evaluation.intervals, params.calibration_bins
    chosen = balanced_sample(labels, _GRID, params.seed)
    share = float(labels.mean())
    drawings = {
        "confusion": plots.confusion(metrics.confusion(labels, probabilities, params.threshold)),
        "roc": plots.roc(curves.roc_curve(labels, probabilities), scores["roc_auc"], intervals["roc_auc"]),
        "precision_recall": plots.precision_recall(
            curves.precision_recall_curve(labels, probabilities), scores["pr_auc"], intervals["pr_auc"], share
        ),
        "calibration": plots.calibration(curves.reliability(labels, probabilities, bins), 1 / bins, scores["ece"]),
        "accuracy_by_class": plots.accuracy_by_class(evaluation.by_class),
        "predictions": plots.prediction_grid(
            pictures[chosen], labels[chosen], probabilities[chosen], params.threshold, "Random test pictures"
        ),
        "worst_mistakes": plots.worst_mistakes(pictures, labels, probabilities, params.threshold, _GRID),
    }
    for name, figure in drawings.items():
        save(figure, folder / f"{name}.png")


def _write_points(path: Path, columns: Mapping[str, Array]) -> None:
    rows = zip(*columns.values(), strict=True)
    write_json(path, [rounded(dict(zip(columns, row, strict=True))) for row in rows])


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    with atomic_file(path) as file:
        file.write(text.getvalue().encode())


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Six decimals, as JSON can hold it: what is undefined becomes null."""
    return {name: round(float(value), 6) if math.isfinite(value) else None for name, value in values.items()}
