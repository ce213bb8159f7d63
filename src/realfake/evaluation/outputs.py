"""Write the files of evaluate other than its figures: scores, threshold, predictions, and data for DVC's plots."""

from collections.abc import Mapping
from pathlib import Path

from realfake.config.schema import EvaluateParams
from realfake.core.csv_files import write_csv
from realfake.core.json_files import write_json
from realfake.data.dataset import CLASSES
from realfake.evaluation.predictions import Prediction, write_predictions
from realfake.evaluation.results import (
    ClassAccuracy,
    CountedScores,
    Decision,
    EvaluationScores,
    RobustScores,
    Scores,
    rounded,
    write_classes,
    write_conditions,
)
from realfake.evaluation.robustness import Robustness
from realfake.evaluation.scoring import Evaluation
from realfake.metrics import curves
from realfake.metrics.scores import Array


def write_outputs(evaluation: Evaluation, robustness: Robustness, params: EvaluateParams, folder: Path) -> None:
    """Write all files except the figures into an existing folder.

    Args:
        evaluation: evaluation on clean test pictures.
        robustness: evaluation on damaged test pictures.
        params: evaluation parameters; threshold and calibration bins are used.
        folder: the folder of evaluate's outputs.
    """
    collect_scores(evaluation, robustness).write(folder)
    Decision(params.threshold).write(folder)
    rows = zip(evaluation.split.rows, evaluation.probabilities, strict=True)
    write_predictions(folder, (Prediction(row.name, row.label, float(probability)) for row, probability in rows))
    _write_curves(evaluation, params, folder / "plots")
    write_classes(folder, collect_class_accuracies(evaluation))
    write_conditions(folder, [robustness.clean, *robustness.conditions])


def collect_scores(evaluation: Evaluation, robustness: Robustness) -> EvaluationScores:
    """Return the scores to write, rounded to six decimals."""
    pictures, leaked = len(evaluation.probabilities), sum(row.leaked for row in evaluation.split.rows)
    low = {name: interval.low for name, interval in evaluation.intervals.items()}
    high = {name: interval.high for name, interval in evaluation.intervals.items()}
    robust = rounded({name: robustness.means[name] for name in ("accuracy", "ece", "worst")})
    return EvaluationScores(
        test=CountedScores(**rounded(evaluation.scores), pictures=pictures),
        low=Scores(**rounded(low)),
        high=Scores(**rounded(high)),
        cleaned=CountedScores(**rounded(evaluation.cleaned), pictures=pictures - leaked),
        robust=RobustScores(**robust, pictures=robustness.pictures),
    )


def collect_class_accuracies(evaluation: Evaluation) -> list[ClassAccuracy]:
    """Return the accuracies by class to write, rounded to six decimals."""
    return [
        ClassAccuracy(name, *rounded({"value": score.accuracy, **score.interval._asdict()}).values())
        for name, score in evaluation.by_class.items()
    ]


def _write_curves(evaluation: Evaluation, params: EvaluateParams, plots: Path) -> None:
    """Write the points of each curve, and labels and predictions of all pictures, which DVC counts for its matrix."""
    labels, probabilities = evaluation.split.labels, evaluation.probabilities
    called = (probabilities >= params.threshold).astype(int)
    names = ([CLASSES[label], CLASSES[prediction]] for label, prediction in zip(labels, called, strict=True))
    write_csv(plots / "confusion.csv", ("true", "called"), names)
    false_positives, true_positives = curves.roc_curve(labels, probabilities)
    rates = {"fakes_called_real": false_positives, "photographs_called_real": true_positives}
    _write_points(plots / "roc.json", rates)
    recall, precision = curves.precision_recall_curve(labels, probabilities)
    _write_points(plots / "precision_recall.json", {"recall": recall, "precision": precision})
    bins = curves.reliability(labels, probabilities, params.calibration_bins)
    _write_points(plots / "calibration.json", {"predicted": bins.predicted, "observed": bins.observed})


def _write_points(path: Path, columns: Mapping[str, Array]) -> None:
    rows = zip(*columns.values(), strict=True)
    write_json(path, [rounded(dict(zip(columns, row, strict=True))) for row in rows])
