"""Write the model card (Mitchell et al. 2019) of a network from the files that the stages wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realfake.core.text_tables import inline_code, markdown_table
from realfake.data.preparation_report import PreparationReport
from realfake.evaluation.results import (
    ClassAccuracy,
    Condition,
    Decision,
    EvaluationScores,
    read_classes,
    read_conditions,
)
from realfake.export.results import ExportResults
from realfake.training.training_record import Calibration, TrainingRecord

_PERCENT = ("accuracy", "precision", "recall", "fake_recall", "f1", "ece", "worst", "ci_low", "ci_high")
"""Scores that are written in percent."""
_NAMES = {
    "accuracy": "accuracy",
    "roc_auc": "ROC-AUC",
    "recall": "photographs called REAL",
    "fake_recall": "fakes called FAKE",
    "ece": "calibration error (ECE)",
    "log_loss": "log loss",
}
"""Titles of the scores in the table of results, in its order."""


@dataclass(frozen=True)
class RunFiles:
    """Hold the contents of the files that a card is made from."""

    report: PreparationReport
    training: TrainingRecord
    scores: EvaluationScores
    conditions: Sequence[Condition]
    classes: Sequence[ClassAccuracy]
    threshold: float
    """P(REAL) from which on a picture is called REAL."""
    exported: ExportResults

    @classmethod
    def read(cls, prepared: Path, model: Path, evaluation: Path, export: Path) -> "RunFiles":
        """Read the files from the folders that the stages wrote.

        Raises:
            UserError: a file is missing or damaged; the message names the stage to run.
        """
        return cls(
            PreparationReport.read(prepared),
            TrainingRecord.read(model),
            EvaluationScores.read(evaluation),
            read_conditions(evaluation),
            read_classes(evaluation),
            Decision.read(evaluation).threshold,
            ExportResults.read(export),
        )


def model_card(files: RunFiles) -> str:
    """Return the card in Markdown; the same files give the same text."""
    parts = [
        f"# Model card: {files.training.name}",
        "Is a picture a photograph (REAL) or was it made by a generator (FAKE)? The network answers with P(REAL); from "
        f"{files.threshold:g} on the picture is called REAL. Generated from the run's own files by `dvc repro`.",
        "## What it is for",
        _purpose(files),
        "## Data",
        _data(files),
        "## Training",
        _training(files),
        "## Results on test pictures",
        _results(files),
        "## On damaged pictures",
        _damaged(files),
        "## By class",
        _classes(files),
        "## Files",
        _files(files),
        "## Limits",
        _limits(files),
        "## Make it again",
        _reproduction(files),
    ]
    return "\n\n".join(parts) + "\n"


def write_card(files: RunFiles, path: Path) -> None:
    """Write the card to a file."""
    path.write_text(model_card(files), encoding="utf-8")


def _purpose(files: RunFiles) -> str:
    return (
        "To sort large numbers of pictures of the kind it learnt from, with a person who looks at what matters. Not to "
        "accuse anyone, not as the only ground of a decision about a person, and not on pictures of generators that "
        "are not in its training data: there it is often wrong, and sure of it."
    )


def _data(files: RunFiles) -> str:
    pictures = files.report.pictures
    rows = [[split, *(f"{pictures[split][label]:,}" for label in ("FAKE", "REAL"))] for split in pictures]
    leaked, size = files.report.test_leaked, files.training.source_size
    return (
        f"Content digest {inline_code(files.training.data_digest)}, pictures at {size} px.\n\n"
        f"{markdown_table(['split', 'FAKE', 'REAL'], rows)}\n\n"
        "Exact duplicates were removed from train. "
        + (
            f"{leaked:,} test pictures also stood in the archive's train; there they were removed, so that this "
            "training learnt none of the test. The results give both figures, with and without them."
            if leaked
            else "No test picture stood in train."
        )
        + _pretrained_weights(files.training.train_params)
    )


def _pretrained_weights(params: Mapping[str, Any]) -> str:
    """Return the sentence about pretrained weights, or nothing if the initial weights were random."""
    weights = params["weights"]
    if weights == "none":
        return ""
    return f" The training started from weights that had learnt before: {inline_code(weights)}."


def _training(files: RunFiles) -> str:
    best, values = files.training.best, files.training.train_params
    parts = [[part.name, f"{part.weights:,}", part.state] for part in files.training.parts]
    chosen = [[inline_code(name), inline_code(value)] for name, value in values.items()]
    return (
        f"{markdown_table(['part', 'weights', 'state'], parts)}\n\n"
        f"Epoch {best.epoch} was kept, the {values['keep']} one: val accuracy {best.val_accuracy:.2%}."
        f"{_calibration(files.training.calibration)}{_test_time_augmentation(values)}\n\n"
        f"{markdown_table(['parameter', 'value'], chosen, words=True)}"
    )


def _calibration(scaling: Calibration) -> str:
    if scaling.val_ece is None:
        return ""
    return (
        f" Then the last layer was scaled on val (logit times {scaling.scale:.4g}, plus {scaling.shift:.4g}): "
        f"calibration error {scaling.val_ece_before:.2%} before, {scaling.val_ece:.2%} after; accuracy "
        f"{scaling.val_accuracy:.2%} in float32."
    )


def _test_time_augmentation(values: Mapping[str, Any]) -> str:
    """Return the sentence about test-time augmentation, or nothing if there is none."""
    return " Its log odds are the mean over a picture and its mirror image." if values.get("mirror") else ""


def _results(files: RunFiles) -> str:
    scores = files.scores
    rows = [
        [
            title,
            _format_score(scores.test, name),
            f"{_format_score(scores.low, name)} to {_format_score(scores.high, name)}",
            _format_score(scores.cleaned, name),
        ]
        for name, title in _NAMES.items()
    ]
    test, cleaned = (f"{part.pictures:,}" for part in (scores.test, scores.cleaned))
    return (
        f"{markdown_table([f'{test} pictures', '', '95 % interval', f'{cleaned} not in train'], rows)}\n\n"
        "Resampling adds noise, and noise can only add to a calibration error: its interval lies high."
    )


def _damaged(files: RunFiles) -> str:
    rows = [
        [
            f"{row.kind} {row.severity:g}" if row.severity else row.kind,
            f"{row.accuracy:.2%}",
            f"{row.ci_low:.2%} to {row.ci_high:.2%}",
            *(_format_score(row, name) for name in ("roc_auc", "fake_recall", "ece")),
        ]
        for row in files.conditions
    ]
    robust, corruption = files.scores.robust, float(files.training.train_params["augmentation.corruption"])
    trained_on_damage = (
        f"In training {corruption:.0%} of the views were damaged likewise, at severities drawn anew, in one to three "
        "ways one after another. The table is about damage it has met, not about an unknown kind.\n\n"
    )
    return (
        f"{trained_on_damage if corruption else ''}"
        f"{robust.pictures:,} test pictures, each damaged in one way (realfake/data/corruption.py says how). "
        f"Mean over the kinds of damage: accuracy {_format_score(robust, 'accuracy')}, "
        f"calibration error {_format_score(robust, 'ece')}; "
        f"worst {_format_score(robust, 'worst')}.\n\n"
        f"{markdown_table(['damage', 'accuracy', '95 % interval', 'ROC-AUC', 'fakes called FAKE', 'ECE'], rows)}"
    )


def _classes(files: RunFiles) -> str:
    rows = [
        [row.name, _format_score(row, "accuracy"), f"{_format_score(row, 'ci_low')} to {_format_score(row, 'ci_high')}"]
        for row in files.classes
    ]
    return markdown_table(["class", "accuracy", "95 % interval"], rows)


def _files(files: RunFiles) -> str:
    rows = [
        [name, f"{quality.bytes / 1e6:.2f}", f"{quality.accuracy:.2%}", f"{quality.max_difference:.4f}"]
        for name, quality in files.exported.formats.items()
    ]
    head = ["format", "MB", "accuracy", "largest difference of P(REAL)"]
    return f"Accuracy of each on the same {files.exported.pictures:,} test pictures.\n\n{markdown_table(head, rows)}"


def _limits(files: RunFiles) -> str:
    size = files.training.source_size
    return "\n".join(
        [
            f"- It sees {size} x {size} pixels. A larger picture is cut to its central square and reduced first; what "
            "only shows in full resolution is gone, and high-resolution photographs are not what it was tested on.",
            "- It knows the generators of its training data alone. Pictures of another generator are another question, "
            "which the figures above do not answer.",
            "- Its figures hold for test pictures from the same source as its training pictures, in the same share of "
            "FAKE and REAL. Where fakes are rare, most of its alarms are false.",
            "- Damage beyond the table above (filters, screenshots, print) was not tested.",
        ]
    )


def _reproduction(files: RunFiles) -> str:
    return (
        "`python src/promote.py --lineage` prints the commands that bring back a registered version; for this one, "
        "`dvc repro` on a commit whose dvc.lock names its data and parameters. Data digest "
        f"{inline_code(files.training.data_digest)}."
    )


def _format_score(scores: object, name: str) -> str:
    """Return an attribute as text, in percent if it is one of _PERCENT; a dash if it is undefined."""
    value: float | None = getattr(scores, name)
    if value is None:
        return "–"
    return f"{value:.2%}" if name in _PERCENT else f"{value:.4f}"
