"""What evaluate found, as later stages and reports read it: scores with their intervals, the decision, damage, classes.

Scores are written with six decimals; what is undefined is null in the files and None here.
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
    """The scores of metrics.SCORES, or one end of their 95 % intervals."""

    accuracy: float | None
    precision: float | None
    recall: float | None
    """Part of the photographs that are called REAL."""
    fake_recall: float | None
    """Part of the fakes that are called FAKE."""
    f1: float | None
    roc_auc: float | None
    pr_auc: float | None
    brier: float | None
    ece: float | None
    log_loss: float | None


@dataclass(frozen=True)
class CountedScores(Scores):
    """Scores, and the number of pictures that they are of."""

    pictures: int


@dataclass(frozen=True)
class RobustScores:
    """Scores on damaged pictures: means over the kinds of damage, and the accuracy under the worst condition."""

    accuracy: float | None
    ece: float | None
    worst: float | None
    pictures: int
    """Each damaged in every way."""


@dataclass(frozen=True)
class EvaluationScores:
    """The metrics that DVC shows; each field is a file."""

    test: CountedScores
    """On all test pictures."""
    low: Scores
    high: Scores
    cleaned: CountedScores
    """On the test pictures that stood in train in no form."""
    robust: RobustScores

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
        """Scores from the contents of files by their names, as DVC compares them.

        What is not there is None, or 0 pictures: a commit may lack a file or hold one of other scores.
        """
        return cls(**{name: _known(kind, files.get(file, {})) for name, (file, kind) in SCORE_FILES.items()})

    def write(self, evaluation: Path) -> None:
        """Write each file into an existing folder."""
        for name, (file, _) in SCORE_FILES.items():
            write_json(evaluation / file, asdict(getattr(self, name)))


SCORE_FILES: Mapping[str, tuple[str, type[Any]]] = {
    "test": ("metrics.json", CountedScores),
    "low": ("ci_low.json", Scores),
    "high": ("ci_high.json", Scores),
    "cleaned": ("cleaned.json", CountedScores),
    "robust": ("robust.json", RobustScores),
}
"""The file and its type of each field of EvaluationScores."""


@dataclass(frozen=True)
class Decision:
    """How P(REAL) becomes a label."""

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
    """What a network makes of the pictures after one kind of damage; fractions of 1."""

    kind: str
    """A name of corruption.SUITE, or CLEAN."""
    severity: float
    accuracy: float
    roc_auc: float
    fake_recall: float
    """Part of the fakes that are called FAKE."""
    ece: float
    ci_low: float
    """Ends of the 95 % interval of accuracy, by the same resamples for every condition."""
    ci_high: float


@dataclass(frozen=True)
class ClassAccuracy:
    """Accuracy on the pictures of one class or CIFAR subject, and its 95 % interval."""

    name: Annotated[str, Field(alias="class")]
    accuracy: float | None
    ci_low: float | None
    ci_high: float | None


def read_conditions(evaluation: Path) -> list[Condition]:
    """Read every condition of damage, the clean pictures first.

    Raises:
        UserError: the file is missing, damaged or incomplete.
    """
    return read_record(list[Condition], evaluation / CONDITIONS_FILE, COMMAND)


def write_conditions(evaluation: Path, conditions: Sequence[Condition]) -> None:
    """Write every condition of damage, a row each, which `dvc plots` can draw."""
    rows = []
    for condition in conditions:
        figures = asdict(condition)
        rows.append({"kind": figures.pop("kind"), **rounded(figures)})
    write_json(evaluation / CONDITIONS_FILE, rows)


def read_classes(evaluation: Path) -> list[ClassAccuracy]:
    """Read the accuracy by class: FAKE, REAL, and each CIFAR subject that names tell.

    Raises:
        UserError: the file is missing, damaged or incomplete.
    """
    return read_record(list[ClassAccuracy], evaluation / CLASSES_FILE, COMMAND)


def write_classes(evaluation: Path, classes: Sequence[ClassAccuracy]) -> None:
    """Write the accuracy by class, a row each, which `dvc plots` can draw."""
    write_json(evaluation / CLASSES_FILE, [class_row(row) for row in classes])


def class_row(row: ClassAccuracy) -> dict[str, Any]:
    """A class as it stands in the file."""
    values = asdict(row)
    return {"class": values.pop("name"), **values}


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Six decimals, as JSON can hold it: what is undefined becomes null."""
    return {name: round(float(value), 6) if math.isfinite(value) else None for name, value in values.items()}


def _known(kind: type[Record], values: Mapping[str, Any]) -> Record:
    nothing = {field.name: 0 if field.type is int else None for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: values.get(name, absent) for name, absent in nothing.items()})
