"""Read and write the results of evaluate for later stages: scores with intervals, threshold, robustness, classes.

Scores are written with six decimals; undefined ones are null in the files and None here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from realfake.core.json_files import read_record, write_json

COMMAND = "dvc repro evaluate"
DECISION_FILE = "decision.json"
CONDITIONS_FILE = "plots/robustness.json"
CLASSES_FILE = "plots/accuracy_by_class.json"
Record = TypeVar("Record")


@dataclass(frozen=True)
class Scores:
    """Hold the scores of metrics.SCORES, or one end of their 95 % intervals; all are 0 to 1 except log_loss."""

    accuracy: float | None
    precision: float | None
    """Precision of REAL."""
    recall: float | None
    """Recall of photographs: fraction of the photographs that are called REAL."""
    fake_recall: float | None
    """Recall of fakes: fraction of the fakes that are called FAKE."""
    f1: float | None
    """Harmonic mean of precision and recall."""
    roc_auc: float | None
    """Area under the ROC curve."""
    pr_auc: float | None
    """Average precision of REAL."""
    brier: float | None
    """Mean squared error of P(REAL)."""
    ece: float | None
    """Expected calibration error."""
    log_loss: float | None
    """Mean binary cross-entropy, natural logarithm."""


@dataclass(frozen=True)
class CountedScores(Scores):
    """Hold scores and the number of pictures that they were computed on."""

    pictures: int


@dataclass(frozen=True)
class RobustScores:
    """Hold scores on damaged pictures: means over the kinds of damage, and the accuracy under the worst condition."""

    accuracy: float | None
    """Mean accuracy, 0 to 1."""
    ece: float | None
    """Mean expected calibration error, 0 to 1."""
    worst: float | None
    """Lowest accuracy of all conditions, 0 to 1."""
    pictures: int
    """Number of test pictures, each of which was damaged under every condition."""


@dataclass(frozen=True)
class EvaluationScores:
    """Hold the metrics that DVC shows; each field is written to a file of its own."""

    test: CountedScores
    """Scores on all test pictures."""
    low: Scores
    """Lower ends of the 95 % intervals of `test`."""
    high: Scores
    """Upper ends of the 95 % intervals of `test`."""
    cleaned: CountedScores
    """Scores on the test pictures that are not leaked: no picture of their group is in the archive's train."""
    robust: RobustScores
    """Scores on damaged test pictures."""

    @classmethod
    def read(cls, evaluation: Path) -> "EvaluationScores":
        """Read the scores in the folder that evaluate wrote.

        Raises:
            UserError: a file is missing, damaged or incomplete.
        """
        found = {name: read_record(kind, evaluation / file, COMMAND) for name, (file, kind) in SCORE_FILES.items()}
        return cls(**found)

    @classmethod
    def of_files(cls, files: Mapping[str, Mapping[str, Any]]) -> "EvaluationScores":
        """Take the scores from the contents of the files, by file name.

        A commit may lack files or scores: a missing score is None, a missing number of pictures is 0.
        """
        return cls(**{name: _fill_missing(kind, files.get(file, {})) for name, (file, kind) in SCORE_FILES.items()})

    def write(self, evaluation: Path) -> None:
        """Write all files into an existing folder."""
        for name, (file, _) in SCORE_FILES.items():
            write_json(evaluation / file, asdict(getattr(self, name)))


SCORE_FILES: Mapping[str, tuple[str, type[Any]]] = {
    "test": ("metrics.json", CountedScores),
    "low": ("ci_low.json", Scores),
    "high": ("ci_high.json", Scores),
    "cleaned": ("cleaned.json", CountedScores),
    "robust": ("robust.json", RobustScores),
}
"""File name and type of each field of EvaluationScores."""


@dataclass(frozen=True)
class Decision:
    """Hold the rule that turns P(REAL) into a label."""

    threshold: float
    """P(REAL) from which on a picture is called REAL."""

    @classmethod
    def read(cls, evaluation: Path) -> "Decision":
        """Read the decision in the folder that evaluate wrote.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, evaluation / DECISION_FILE, COMMAND)

    def write(self, evaluation: Path) -> None:
        """Write the decision into an existing folder."""
        write_json(evaluation / DECISION_FILE, asdict(self))


@dataclass(frozen=True)
class Condition:
    """Hold the scores, 0 to 1, on pictures under one condition: a kind of damage at one severity."""

    kind: str
    """Name of the damage in corruption.SUITE, or "clean"."""
    severity: float
    """Severity in the unit of the kind; 0 for clean pictures."""
    accuracy: float
    roc_auc: float
    fake_recall: float
    """Recall of fakes: fraction of the fakes that are called FAKE."""
    ece: float
    """Expected calibration error."""
    ci_low: float
    """Lower end of the 95 % interval of accuracy; all conditions have the same bootstrap resamples."""
    ci_high: float
    """Upper end of the 95 % interval of accuracy."""


@dataclass(frozen=True)
class ClassAccuracy:
    """Hold the accuracy, 0 to 1, on the pictures of one class or CIFAR class, and its 95 % interval."""

    name: Annotated[str, Field(alias="class")]
    """FAKE, REAL or a CIFAR class."""
    accuracy: float | None
    ci_low: float | None
    """Lower end of the interval."""
    ci_high: float | None
    """Upper end of the interval."""


def read_conditions(evaluation: Path) -> list[Condition]:
    """Read the scores under every condition, those on clean pictures first.

    Raises:
        UserError: the file is missing, damaged or incomplete.
    """
    return read_record(list[Condition], evaluation / CONDITIONS_FILE, COMMAND)


def write_conditions(evaluation: Path, conditions: Sequence[Condition]) -> None:
    """Write the scores under every condition, a row each, for `dvc plots`."""
    rows = []
    for condition in conditions:
        figures = asdict(condition)
        rows.append({"kind": figures.pop("kind"), **rounded(figures)})
    write_json(evaluation / CONDITIONS_FILE, rows)


def read_classes(evaluation: Path) -> list[ClassAccuracy]:
    """Read the accuracy by class: FAKE, REAL, and each CIFAR class that file names give.

    Raises:
        UserError: the file is missing, damaged or incomplete.
    """
    return read_record(list[ClassAccuracy], evaluation / CLASSES_FILE, COMMAND)


def write_classes(evaluation: Path, classes: Sequence[ClassAccuracy]) -> None:
    """Write the accuracy by class, a row each, for `dvc plots`."""
    write_json(evaluation / CLASSES_FILE, [class_row(row) for row in classes])


def class_row(row: ClassAccuracy) -> dict[str, Any]:
    """Return a class's row of the file."""
    values = asdict(row)
    return {"class": values.pop("name"), **values}


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Round values to six decimals for JSON; NaN and infinity become None."""
    return {name: round(float(value), 6) if math.isfinite(value) else None for name, value in values.items()}


def _fill_missing(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """Make a record from those of its fields that are in `values`; other scores are None, other counts 0."""
    defaults = {field.name: 0 if field.type is int else None for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: values.get(name, default) for name, default in defaults.items()})
