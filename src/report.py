"""What changed since main, as Markdown for a pull request: `python src/report.py [--base REV] [--output FILE]`.

Scores with their intervals, what the gate said of a promotion, parameters, the learning curve, why dvc.lock moved, and
the exported formats. It compares the working tree with a commit and computes nothing: run the pipeline first.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from realfake.core.errors import run
from realfake.core.files import atomic_file, workspace
from realfake.core.json_files import read_json
from realfake.core.text_tables import code, folded, line_chart, table
from realfake.export.results import FORMAT_COLUMNS, ExportResults, format_rows, measured_speeds
from realfake.reporting import dvc_diff
from realfake.reporting.dvc_diff import Base
from realfake.reporting.dvc_lock_diff import lock_moved
from realfake.tracking.run_link import run_of

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
FILES = ("metrics", "ci_low", "ci_high", "cleaned", "robust")
"""Of evaluate."""
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


Scores = Mapping[str, Score]


def report(root: Path, base: Base | None, rehearsal: bool = False) -> str:
    """The whole page.

    Args:
        root: the project, its pipeline run.
        base: what is compared with; None where nothing came before.
        rehearsal: the verdict is one on a copy of the registry.

    Raises:
        UserError: a stage has not run yet, or DVC refuses.
    """
    before, now = scores(root, base)
    sections = [*headline(root, base, before, now), _promotion(root, rehearsal)]
    sections += _what_changed(root, base, before == now) if base else ["Nothing came before: this is the first commit."]
    return "\n\n".join([*sections, *_formats(root)]) + "\n"


def scores(root: Path, base: Base | None) -> tuple[Scores, Scores]:
    """The test scores by name, before and now; others begin with a word of OTHER."""
    folder = "outputs/evaluation"
    order, _, _ = (read_json(root / folder / f"{name}.json") for name in ("metrics", "ci_low", "ci_high"))
    found = dvc_diff.differences(root, "metrics", base, everything=True) if base else _as_new(root / folder)

    def state(key: str) -> Scores:
        files = {Path(file).stem: {name: row.get(key) for name, row in rows.items()} for file, rows in found.items()}
        value, low, high, cleaned, robust = (files.get(name, {}) for name in FILES)
        plain = {name: Score(value.get(name), low.get(name), high.get(name)) for name in order}
        plain |= {f"cleaned {name}": Score(cleaned[name]) for name in HEADLINE if name in cleaned}
        return plain | {f"damaged {name}": Score(robust[name]) for name in ("accuracy", "ece") if name in robust}

    return state("old"), state("new")


def _as_new(folder: Path) -> dict[str, dvc_diff.Differences]:
    """All metrics of the working tree as if there had been none before."""
    return {name: {key: {"new": value} for key, value in read_json(folder / f"{name}.json").items()} for name in FILES}


def headline(root: Path, base: Base | None, before: Scores, now: Scores) -> Iterator[str]:
    """What comes first: how accurate, how that moved, and which run it was."""
    accuracy, was = now["accuracy"], before["accuracy"]
    change = f", {_change('accuracy', was, accuracy)}" if base and was.value is not None else ""
    yield f"## Accuracy {_number('accuracy', accuracy.value)}{change}"
    retrained = " as it was last retrained" if base and base.retrained else ""
    facts = [f"Compared with `{base.name}` (`{base.commit[:7]}`){retrained}."] if base else []
    model = root / "outputs/model"
    link = run_of(model) if (model / "model.keras").is_file() else None
    facts += [f"MLflow run **{link.name}** (`{link.run_id}`) in experiment {link.experiment}."] if link else []
    if facts:
        yield " ".join(facts)
    known = [name for name in HEADLINE if name in now]
    yield _score_table("test score, 95 % interval", base, known, before, now)
    if was != accuracy and was.holds(accuracy) and accuracy.holds(was):
        yield "The accuracies lie within each other's interval: the difference may be chance."
    rest = [name for name in now if name not in HEADLINE]
    yield folded("All scores", _score_table("test score, 95 % interval", base, rest, before, now))


def _score_table(title: str, base: Base | None, names: list[str], before: Scores, now: Scores) -> str:
    rows = [(_called(name), _score(name, before[name]), _score(name, now[name])) for name in names]
    if base is None:
        return table((title, "now"), [(name, new) for name, _, new in rows])
    moved = [_change(name, before[name], now[name]) for name in names]
    return table((title, base.name, "now", "change"), [(*row, move) for row, move in zip(rows, moved, strict=True)])


def _called(name: str) -> str:
    kind, _, plain = name.rpartition(" ")
    text = CALLED.get(plain, plain.replace("_", " "))
    return f"{text}, {OTHER[kind]}" if kind else text


def _score(name: str, score: Score) -> str:
    interval = f" ({_number(name, score.low)} to {_number(name, score.high)})" if score.low is not None else ""
    return _number(name, score.value) + interval


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    style = ".2%" if name.rpartition(" ")[2] in SHARES else ",d" if isinstance(value, int) else ".4f"
    return format(value, style)


def _change(name: str, before: Score, now: Score) -> str:
    if before.value is None or now.value is None:
        return "–"
    difference = now.value - before.value
    if not difference:
        return "same"
    if isinstance(difference, int):
        return f"{difference:+,d}"
    return f"{100 * difference:+.2f} points" if _number(name, 0.5).endswith("%") else f"{difference:+.4f}"


def _what_changed(root: Path, base: Base, same_scores: bool) -> Iterator[str]:
    params = dvc_diff.differences(root, "params", base)
    moved = lock_moved(root, base.state)
    if same_scores and not params and moved is None:
        yield f"Nothing differs from `{base.name}`: the same parameters, the same scores, the same dvc.lock."
        return
    yield "### What changed"
    rows = [(code(name), code(row["old"]), code(row["new"])) for file in params.values() for name, row in file.items()]
    yield table(("parameter", base.name, "now"), sorted(rows)) if rows else "No parameter."
    if moved is not None:
        yield moved.replace("dvc.lock moved", "**dvc.lock moved**", 1)
    yield from _learning_curve(root, base)


def _learning_curve(root: Path, base: Base) -> Iterator[str]:
    before, now = dvc_diff.curves(root, base)
    if len(now) < 2:  # one point is no line
        return
    yield line_chart("Accuracy on val", "epoch", before, now)
    if before:
        yield f"Grey: `{base.name}`. Blue: now."
    else:
        yield f"The curve of `{base.name}` is in no DVC cache and no DVC remote of this clone."


def _formats(root: Path) -> Iterator[str]:
    results, speeds = ExportResults.read(root / "outputs/export"), measured_speeds(root / "outputs")
    yield "### Exported formats"
    yield table(FORMAT_COLUMNS, format_rows(results.formats, speeds))
    unknown = "" if speeds else " Their speed was not measured here."
    yield f"Each run by its own runtime on {results.pictures:,} test pictures.{unknown}"


def _promotion(root: Path, rehearsal: bool) -> str:
    """What promote.py wrote of this model; a verdict that is older than the model was on another one."""
    verdict, model = root / "outputs/promotion/verdict.md", root / "outputs/model/model.keras"
    if not verdict.is_file() or (model.is_file() and verdict.stat().st_mtime < model.stat().st_mtime):
        return "### Promotion\n\nNot run (`python src/promote.py` asks the gate)."
    title = "### Promotion, rehearsed on a copy of the registry" if rehearsal else "### Promotion"
    return f"{title}\n\n{verdict.read_text(encoding='utf-8').strip()}"


def main() -> None:
    """Read the command line; write the page, and DVC's own page of plots if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", metavar="REV", help="compare with this (default: main; on main the commit before)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there (default: standard output)")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="DVC's page of all plots, FOLDER/index.html")
    parser.add_argument("--rehearsal", action="store_true", help="say that the promotion was one on a copy")
    arguments = parser.parse_args()
    root = workspace()
    base = dvc_diff.base_of(root, arguments.base)
    page = report(root, base, arguments.rehearsal)
    if arguments.plots:
        dvc_diff.plots_page(root, base, arguments.plots.resolve())
    if arguments.output is None:
        print(page, end="")
        return
    with atomic_file(arguments.output) as file:
        file.write(page.encode())


if __name__ == "__main__":
    run(main)
