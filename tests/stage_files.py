"""Make small, complete records of the stages' files, for tests of the code that reads them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from realfake.data.preparation_report import PreparationReport, RemovedPictures
from realfake.evaluation.results import (
    CountedScores,
    Decision,
    EvaluationScores,
    RobustScores,
    Scores,
    write_classes,
    write_conditions,
)
from realfake.export.results import ExportResults, Quality
from realfake.metrics.scores import SCORES
from realfake.models.architecture import Part
from realfake.training.history import EpochResult
from realfake.training.training_record import Calibration, TrainingRecord

DIGEST = "d" * 64


def preparation_report(counts: Mapping[str, int], size: int = 32, **changes: Any) -> PreparationReport:
    """Make a report on `counts` pictures in each split, half of each class."""
    values = {
        "digest": DIGEST,
        "params": {"size": size},
        "pictures": {split: {"FAKE": count // 2, "REAL": count // 2} for split, count in counts.items()},
        "real_share": dict.fromkeys(counts, 0.5),
        "groups": dict(counts),
        "test_leaked": 0,
        "test_duplicates": 0,
        "removed": {"duplicate in train": RemovedPictures(0, ())},
    }
    return PreparationReport(**values | changes)


def epoch_result(epoch: int = 1, **changes: float) -> EpochResult:
    """Make the result of an epoch."""
    return replace(EpochResult(epoch, 0.1, 0.5, 0.75, 0.4, 0.8, 0.9), **changes)


def training_record(params: Mapping[str, Any], **changes: Any) -> TrainingRecord:
    """Make a record of a training of one epoch.

    Args:
        params: parameters by full name: `train.epochs` ...
        changes: fields with other values.
    """
    values = {
        "name": "toy",
        "data_digest": DIGEST,
        "pictures": {"train": {"FAKE": 1, "REAL": 1}},
        "parts": (Part("backbone", "8 layers", 1000, "new"),),
        "params": params,
        "best": epoch_result(),
        "calibration": Calibration(1.0, 0.0),
        "trunk": None,
    }
    return TrainingRecord(**values | changes)


def evaluation_scores(**scores: float | None) -> EvaluationScores:
    """Make scores of 1,200 test pictures: 0.9 unless given, with intervals of 0.02 on either side, 0.8 if damaged."""
    values = {**dict.fromkeys(SCORES, 0.9), **scores}
    low, high = (
        {name: None if value is None else round(value + shift, 6) for name, value in values.items()}
        for shift in (-0.02, 0.02)
    )
    counted = CountedScores(**values, pictures=1200)
    return EvaluationScores(counted, Scores(**low), Scores(**high), counted, RobustScores(0.8, 0.05, 0.6, 1200))


def write_evaluation(folder: Path, threshold: float = 0.5, **scores: float | None) -> None:
    """Write the outputs of evaluate that later stages read."""
    evaluation_scores(**scores).write(folder)
    Decision(threshold).write(folder)
    write_classes(folder, [])
    write_conditions(folder, [])


def export_results() -> ExportResults:
    """Make results with one exported format."""
    quality = Quality(bytes=1_100_000, accuracy=0.93, agreement=1.0, max_difference=0.0)
    return ExportResults(1000, {"onnx": quality})
