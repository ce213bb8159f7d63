"""What evaluate leaves but for its figures: scores, the decision, predictions, and the data of DVC's plots."""

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
    """Write all files but the figures into an existing folder.

    Args:
        evaluation: of the test pictures as they are.
        robustness: of damaged ones.
        params: threshold and calibration bins.
        folder: of evaluate's outputs.
    """
    scores_of(evaluation, robustness).write(folder)
    Decision(params.threshold).write(folder)
    rows = zip(evaluation.split.rows, evaluation.probabilities, strict=True)
    write_predictions(folder, (Prediction(row.name, row.label, float(probability)) for row, probability in rows))
    _write_curves(evaluation, params, folder / "plots")
    write_classes(folder, classes_of(evaluation))
    write_conditions(folder, [robustness.clean, *robustness.conditions])


def scores_of(evaluation: Evaluation, robustness: Robustness) -> EvaluationScores:
    """The scores as they are written."""
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


def classes_of(evaluation: Evaluation) -> list[ClassAccuracy]:
    """The accuracy by class as it is written."""
    return [
        ClassAccuracy(name, *rounded({"value": one.accuracy, **one.interval._asdict()}).values())
        for name, one in evaluation.by_class.items()
    ]


def _write_curves(evaluation: Evaluation, params: EvaluateParams, plots: Path) -> None:
    """A row for each point of a curve; of the confusion matrix, which DVC counts itself, a row for each picture."""
    labels, probabilities = evaluation.split.labels, evaluation.probabilities
    called = (probabilities >= params.threshold).astype(int)
    names = ([CLASSES[label], CLASSES[call]] for label, call in zip(labels, called, strict=True))
    write_csv(plots / "confusion.csv", ("true", "called"), names)
    rate, hits = curves.roc_curve(labels, probabilities)
    _write_points(plots / "roc.json", {"fakes_called_real": rate, "photographs_called_real": hits})
    recall, precision = curves.precision_recall_curve(labels, probabilities)
    _write_points(plots / "precision_recall.json", {"recall": recall, "precision": precision})
    bins = curves.reliability(labels, probabilities, params.calibration_bins)
    _write_points(plots / "calibration.json", {"predicted": bins.predicted, "observed": bins.observed})


def _write_points(path: Path, columns: Mapping[str, Array]) -> None:
    rows = zip(*columns.values(), strict=True)
    write_json(path, [rounded(dict(zip(columns, row, strict=True))) for row in rows])
