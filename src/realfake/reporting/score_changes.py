"""Compare test scores with those of another commit, with their intervals, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.text_tables import markdown_table
from realfake.evaluation.results import EvaluationScores
from realfake.reporting import dvc_diff
from realfake.reporting.dvc_diff import Base

DISPLAY_NAMES = {
    "accuracy": "accuracy",
    "roc_auc": "ROC-AUC",
    "fake_recall": "recall of fakes",
    "recall": "recall of photographs",
    "f1": "F1",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "ece": "calibration error",
}
"""Names of scores for people; other scores keep their names."""
HEADLINE_SCORES = ("accuracy", "roc_auc", "fake_recall", "recall", "damaged accuracy")
"""The most important scores, which come first."""
OTHER_PICTURES = {"cleaned": "pictures of train left out", "damaged": "damaged pictures"}
"""Prefixes of scores that are not on all undamaged test pictures, and their meaning."""
PERCENT_SCORES = {"accuracy", "precision", "recall", "fake_recall"}
"""Scores that are shown in percent."""


@dataclass(frozen=True)
class Score:
    """A test score and the ends of its 95 % interval; None where a number is undefined or unknown."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def holds(self, other: "Score") -> bool:
        """Return whether the value of another score lies in this one's interval."""
        known = self.low is not None and self.high is not None and other.value is not None
        return known and self.low <= other.value <= self.high  # type: ignore[operator]


NamedScores = Mapping[str, Score]
"""Scores by name; a prefix of OTHER_PICTURES names other pictures, such as `damaged accuracy`."""


def scores_before_and_now(root: Path, base: Base | None) -> tuple[NamedScores, NamedScores]:
    """Read the test scores at the base and in the working tree.

    Args:
        root: the project; its pipeline has run.
        base: the commit to compare with; None: all earlier scores are unknown.

    Raises:
        UserError: evaluate has not run yet, or DVC failed.
    """
    now = EvaluationScores.read(root / "outputs/evaluation")
    found = dvc_diff.read_differences(root, "metrics", base, everything=True) if base else {}
    old = {Path(file).name: {name: row.get("old") for name, row in rows.items()} for file, rows in found.items()}
    return named_scores(EvaluationScores.of_files(old)), named_scores(now)


def named_scores(found: EvaluationScores) -> NamedScores:
    """Return all scores by name, in the order in which they are shown."""
    low, high, cleaned = asdict(found.low), asdict(found.high), asdict(found.cleaned)
    named = {
        name: Score(value or None if name == "pictures" else value, low.get(name), high.get(name))
        for name, value in asdict(found.test).items()
    }
    named |= {f"cleaned {name}": Score(cleaned[name]) for name in HEADLINE_SCORES if name in cleaned}
    return named | {"damaged accuracy": Score(found.robust.accuracy), "damaged ece": Score(found.robust.ece)}


def score_table(base: Base | None, names: Sequence[str], before: NamedScores, now: NamedScores) -> str:
    """Return a Markdown table of scores with their intervals; with a base also earlier values and changes.

    Args:
        base: the commit compared with, or None.
        names: names of the scores to show.
        before: scores at the base.
        now: present scores.
    """
    title = "test score, 95 % interval"
    rows = [
        (_display_name(name), _with_interval(name, before[name]), _with_interval(name, now[name])) for name in names
    ]
    if base is None:
        return markdown_table((title, "now"), [(name, new) for name, _, new in rows])
    moved = [format_change(name, before[name], now[name]) for name in names]
    return markdown_table(
        (title, base.name, "now", "change"), [(*row, move) for row, move in zip(rows, moved, strict=True)]
    )


def format_score(name: str, value: float | None) -> str:
    """Return a score's value as text; a dash if it is unknown."""
    if value is None:
        return "–"
    style = ".2%" if name.rpartition(" ")[2] in PERCENT_SCORES else ",d" if isinstance(value, int) else ".4f"
    return format(value, style)


def format_change(name: str, before: Score, now: Score) -> str:
    """Return the change of a score as text, in percentage points for scores in percent; a dash if it is unknown."""
    if before.value is None or now.value is None:
        return "–"
    difference = now.value - before.value
    if not difference:
        return "same"
    if isinstance(difference, int):
        return f"{difference:+,d}"
    return f"{100 * difference:+.2f} points" if format_score(name, 0.5).endswith("%") else f"{difference:+.4f}"


def _display_name(name: str) -> str:
    """Return a score's name for people, with the pictures it is on."""
    kind, _, plain = name.rpartition(" ")
    text = DISPLAY_NAMES.get(plain, plain.replace("_", " "))
    return f"{text}, {OTHER_PICTURES[kind]}" if kind else text


def _with_interval(name: str, score: Score) -> str:
    interval = (
        f" ({format_score(name, score.low)} to {format_score(name, score.high)})" if score.low is not None else ""
    )
    return format_score(name, score.value) + interval
