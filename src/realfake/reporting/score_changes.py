"""Test scores side by side: as they are now and as they were, with their intervals, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.text_tables import markdown_table
from realfake.evaluation.results import EvaluationScores
from realfake.reporting import dvc_diff
from realfake.reporting.dvc_diff import Base

CALLED = {
    "accuracy": "accuracy",
    "roc_auc": "ROC-AUC",
    "fake_recall": "FAKE called FAKE",
    "recall": "REAL called REAL",
    "f1": "F1",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "ece": "calibration error",
}
"""What scores are called here."""
HEADLINE = ("accuracy", "roc_auc", "fake_recall", "recall", "damaged accuracy")
"""The scores that come first."""
OTHER = {"cleaned": "pictures of train left out", "damaged": "damaged pictures"}
"""What the scores' names begin with that are not of all test pictures as they are."""
SHARES = {"accuracy", "precision", "recall", "fake_recall"}
"""Scores that are written in percent."""


@dataclass(frozen=True)
class Score:
    """A test score and its 95 % interval; None where it is undefined or not known."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def holds(self, other: "Score") -> bool:
        """Whether the other one's value lies in this one's interval."""
        known = self.low is not None and self.high is not None and other.value is not None
        return known and self.low <= other.value <= self.high  # type: ignore[operator]


NamedScores = Mapping[str, Score]
"""Scores by name; names of OTHER's pictures begin with its word: `damaged accuracy`."""


def scores_before_and_now(root: Path, base: Base | None) -> tuple[NamedScores, NamedScores]:
    """The test scores of the base and of the working tree.

    Args:
        root: the project, its pipeline run.
        base: what is compared with; None where nothing came before.

    Raises:
        UserError: evaluate has not run yet, or DVC refuses.
    """
    now = EvaluationScores.read(root / "outputs/evaluation")
    found = dvc_diff.differences(root, "metrics", base, everything=True) if base else {}
    old = {Path(file).name: {name: row.get("old") for name, row in rows.items()} for file, rows in found.items()}
    return named_scores(EvaluationScores.of_files(old)), named_scores(now)


def named_scores(found: EvaluationScores) -> NamedScores:
    """All scores by name, in the order in which they are shown."""
    low, high, cleaned = asdict(found.low), asdict(found.high), asdict(found.cleaned)
    named = {
        name: Score(value or None if name == "pictures" else value, low.get(name), high.get(name))
        for name, value in asdict(found.test).items()
    }
    named |= {f"cleaned {name}": Score(cleaned[name]) for name in HEADLINE if name in cleaned}
    return named | {"damaged accuracy": Score(found.robust.accuracy), "damaged ece": Score(found.robust.ece)}


def score_table(base: Base | None, names: Sequence[str], before: NamedScores, now: NamedScores) -> str:
    """Scores with their intervals; with a base also as they were, and by how much each has changed."""
    title = "test score, 95 % interval"
    rows = [(_called(name), _with_interval(name, before[name]), _with_interval(name, now[name])) for name in names]
    if base is None:
        return markdown_table((title, "now"), [(name, new) for name, _, new in rows])
    moved = [change(name, before[name], now[name]) for name in names]
    return markdown_table(
        (title, base.name, "now", "change"), [(*row, move) for row, move in zip(rows, moved, strict=True)]
    )


def number(name: str, value: float | None) -> str:
    """A score's value as it is shown; a dash where it is not known."""
    if value is None:
        return "–"
    style = ".2%" if name.rpartition(" ")[2] in SHARES else ",d" if isinstance(value, int) else ".4f"
    return format(value, style)


def change(name: str, before: Score, now: Score) -> str:
    """By how much a score has changed, in points where it is in percent."""
    if before.value is None or now.value is None:
        return "–"
    difference = now.value - before.value
    if not difference:
        return "same"
    if isinstance(difference, int):
        return f"{difference:+,d}"
    return f"{100 * difference:+.2f} points" if number(name, 0.5).endswith("%") else f"{difference:+.4f}"


def _called(name: str) -> str:
    kind, _, plain = name.rpartition(" ")
    text = CALLED.get(plain, plain.replace("_", " "))
    return f"{text}, {OTHER[kind]}" if kind else text


def _with_interval(name: str, score: Score) -> str:
    interval = f" ({number(name, score.low)} to {number(name, score.high)})" if score.low is not None else ""
    return number(name, score.value) + interval
