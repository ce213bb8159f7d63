"""The model card (Mitchell et al. 2019): what a network is, learnt and can do; generated from the run's files."""

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
_NAMES = {
    "accuracy": "accuracy",
    "roc_auc": "ROC-AUC",
    "recall": "photographs called REAL",
    "fake_recall": "fakes called FAKE",
    "ece": "calibration error (ECE)",
    "log_loss": "log loss",
}


@dataclass(frozen=True)
class RunFiles:
    """The files of a run that a card is made of, as read."""

    report: PreparationReport
    training: TrainingRecord
    scores: EvaluationScores
    conditions: Sequence[Condition]
    classes: Sequence[ClassAccuracy]
    threshold: float
    exported: ExportResults

    @classmethod
    def read(cls, prepared: Path, model: Path, evaluation: Path, export: Path) -> "RunFiles":
        """From the folders that the stages wrote.

        Raises:
            UserError: a stage has not run.
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


def model_card(of: RunFiles) -> str:
    """The whole card in Markdown; the same text for the same run."""
    parts = [
        f"# Model card: {of.training.name}",
        "Is a picture a photograph (REAL) or was it made by a generator (FAKE)? The network answers with P(REAL); from "
        f"{of.threshold:g} on the picture is called REAL. Generated from the run's own files by `dvc repro`.",
        "## What it is for",
        _purpose(of),
        "## Data",
        _data(of),
        "## Training",
        _training(of),
        "## Results on test pictures",
        _results(of),
        "## On damaged pictures",
        _damaged(of),
        "## By class",
        _classes(of),
        "## Files",
        _files(of),
        "## Limits",
        _limits(of),
        "## Make it again",
        _again(of),
    ]
    return "\n\n".join(parts) + "\n"


def write_card(of: RunFiles, path: Path) -> None:
    """Write the card as a file."""
    path.write_text(model_card(of), encoding="utf-8")


def _purpose(of: RunFiles) -> str:
    return (
        "To sort large numbers of pictures of the kind it learnt from, with a person who looks at what matters. Not to "
        "accuse anyone, not as the only ground of a decision about a person, and not on pictures of generators that "
        "are not in its training data: there it is often wrong, and sure of it."
    )


def _data(of: RunFiles) -> str:
    pictures = of.report.pictures
    rows = [[split, *(f"{pictures[split][label]:,}" for label in ("FAKE", "REAL"))] for split in pictures]
    leaked, size = of.report.test_leaked, of.training.source_size
    return (
        f"Content digest {inline_code(of.training.data_digest)}, pictures at {size} px.\n\n"
        f"{markdown_table(['split', 'FAKE', 'REAL'], rows)}\n\n"
        "Exact duplicates were removed from train. "
        + (
            f"{leaked:,} test pictures also stood in the archive's train; there they were removed, so that this "
            "training learnt none of the test. The results give both figures, with and without them."
            if leaked
            else "No test picture stood in train."
        )
        + _start(of.training.train_params)
    )


def _start(params: Mapping[str, Any]) -> str:
    """What the weights had learnt before, which is outside the figures above."""
    weights = params["weights"]
    if weights == "none":
        return ""
    return f" The training started from weights that had learnt before: {inline_code(weights)}."


def _training(of: RunFiles) -> str:
    best, values = of.training.best, of.training.train_params
    parts = [[part.name, f"{part.weights:,}", part.state] for part in of.training.parts]
    chosen = [[inline_code(name), inline_code(value)] for name, value in values.items()]
    return (
        f"{markdown_table(['part', 'weights', 'state'], parts)}\n\n"
        f"Epoch {best.epoch} was kept, the {values['keep']} one: val accuracy {best.val_accuracy:.2%}."
        f"{_calibration(of.training.calibration)}{_views(values)}\n\n"
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


def _views(values: Mapping[str, Any]) -> str:
    """What an answer is the mean of."""
    return " Its log odds are the mean over a picture and its mirror image." if values.get("mirror") else ""


def _results(of: RunFiles) -> str:
    found = of.scores
    rows = [
        [
            title,
            _figure(found.test, name),
            f"{_figure(found.low, name)} to {_figure(found.high, name)}",
            _figure(found.cleaned, name),
        ]
        for name, title in _NAMES.items()
    ]
    every, unseen = (f"{some.pictures:,}" for some in (found.test, found.cleaned))
    return (
        f"{markdown_table([f'{every} pictures', '', '95 % interval', f'{unseen} not in train'], rows)}\n\n"
        "Resampling adds noise, and noise can only add to a calibration error: its interval lies high."
    )


def _damaged(of: RunFiles) -> str:
    rows = [
        [
            f"{row.kind} {row.severity:g}" if row.severity else row.kind,
            f"{row.accuracy:.2%}",
            f"{row.ci_low:.2%} to {row.ci_high:.2%}",
            *(_figure(row, name) for name in ("roc_auc", "fake_recall", "ece")),
        ]
        for row in of.conditions
    ]
    robust, corruption = of.scores.robust, float(of.training.train_params["augmentation.corruption"])
    met = (
        f"In training {corruption:.0%} of the views were damaged likewise, at severities drawn anew, in one to three "
        "ways one after another. The table is about damage it has met, not about an unknown kind.\n\n"
    )
    return (
        f"{met if corruption else ''}"
        f"{robust.pictures:,} test pictures, each damaged in one way (realfake/data/corruption.py says how). "
        f"Mean over the kinds of damage: accuracy {_figure(robust, 'accuracy')}, "
        f"calibration error {_figure(robust, 'ece')}; "
        f"worst {_figure(robust, 'worst')}.\n\n"
        f"{markdown_table(['damage', 'accuracy', '95 % interval', 'ROC-AUC', 'fakes called FAKE', 'ECE'], rows)}"
    )


def _classes(of: RunFiles) -> str:
    rows = [
        [row.name, _figure(row, "accuracy"), f"{_figure(row, 'ci_low')} to {_figure(row, 'ci_high')}"]
        for row in of.classes
    ]
    return markdown_table(["class", "accuracy", "95 % interval"], rows)


def _files(of: RunFiles) -> str:
    rows = [
        [name, f"{one.bytes / 1e6:.2f}", f"{one.accuracy:.2%}", f"{one.max_difference:.4f}"]
        for name, one in of.exported.formats.items()
    ]
    head = ["format", "MB", "accuracy", "largest difference of P(REAL)"]
    return f"Accuracy of each on the same {of.exported.pictures:,} test pictures.\n\n{markdown_table(head, rows)}"


def _limits(of: RunFiles) -> str:
    size = of.training.source_size
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


def _again(of: RunFiles) -> str:
    return (
        "`python src/promote.py --lineage` prints the commands that bring back a registered version; for this one, "
        "`dvc repro` on a commit whose dvc.lock names its data and parameters. Data digest "
        f"{inline_code(of.training.data_digest)}."
    )


def _figure(found: object, name: str) -> str:
    """A figure by its name, in percent where that is usual; a dash where it is undefined."""
    value: float | None = getattr(found, name)
    if value is None:
        return "–"
    return f"{value:.2%}" if name in _PERCENT else f"{value:.4f}"
