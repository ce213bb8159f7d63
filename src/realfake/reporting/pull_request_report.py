"""Report what changed since another commit, as a page for a pull request.

Its sections are scores, promotion, parameters, learning curve, why dvc.lock changed, and exported formats. It compares
the working tree with a commit, and evaluates nothing itself.
"""

from collections.abc import Iterator
from pathlib import Path

from realfake.core.text_tables import folded_section, inline_code, line_chart, markdown_table
from realfake.export.results import FORMAT_COLUMNS, ExportResults, format_rows, measured_speeds
from realfake.registry.verdict import VERDICT_FILE, Verdict
from realfake.reporting import dvc_diff
from realfake.reporting.dvc_diff import Base
from realfake.reporting.dvc_lock_diff import explain_lock_change
from realfake.reporting.score_changes import (
    HEADLINE_SCORES,
    NamedScores,
    format_change,
    format_score,
    score_table,
    scores_before_and_now,
)
from realfake.tracking.run_link import find_run_link


def render_report(root: Path, base: Base | None, rehearsal: bool = False) -> str:
    """Return the whole page as Markdown.

    Args:
        root: the project; its pipeline has run.
        base: the commit to compare with; None if there is none.
        rehearsal: whether the promotion was tried on a copy of the registry.

    Raises:
        UserError: a stage has not run yet, or DVC failed.
    """
    before, now = scores_before_and_now(root, base)
    sections = [*headline(root, base, before, now), _promotion(root, rehearsal)]
    first = ["There is nothing to compare with: this is the first commit."]
    sections += _what_changed(root, base, before == now) if base else first
    return "\n\n".join([*sections, *_formats(root)]) + "\n"


def headline(root: Path, base: Base | None, before: NamedScores, now: NamedScores) -> Iterator[str]:
    """Yield the first sections: accuracy and its change, the run, and the table of scores."""
    accuracy, was = now["accuracy"], before["accuracy"]
    difference = f", {format_change('accuracy', was, accuracy)}" if base and was.value is not None else ""
    yield f"## Accuracy {format_score('accuracy', accuracy.value)}{difference}"
    retrained = " as it was last retrained" if base and base.retrained else ""
    facts = [f"Compared with `{base.name}` (`{base.commit[:7]}`){retrained}."] if base else []
    link = find_run_link(root / "outputs/model")
    facts += [f"MLflow run **{link.name}** (`{link.run_id}`) in experiment {link.experiment}."] if link else []
    if facts:
        yield " ".join(facts)
    yield score_table(base, [name for name in HEADLINE_SCORES if name in now], before, now)
    if was != accuracy and was.holds(accuracy) and accuracy.holds(was):
        yield "The accuracies lie within each other's interval: the difference may be chance."
    yield folded_section(
        "All scores", score_table(base, [name for name in now if name not in HEADLINE_SCORES], before, now)
    )


def _what_changed(root: Path, base: Base, same_scores: bool) -> Iterator[str]:
    """Yield the section on parameters, dvc.lock and the learning curve."""
    params = dvc_diff.read_differences(root, "params", base)
    lock_change = explain_lock_change(root, base.state)
    if same_scores and not params and lock_change is None:
        yield f"Nothing differs from `{base.name}`: the same parameters, the same scores, the same dvc.lock."
        return
    yield "### What changed"
    rows = [
        (inline_code(name), inline_code(row["old"]), inline_code(row["new"]))
        for file in params.values()
        for name, row in file.items()
    ]
    yield markdown_table(("parameter", base.name, "now"), sorted(rows)) if rows else "No parameter."
    if lock_change is not None:
        yield lock_change.replace("dvc.lock changed", "**dvc.lock changed**", 1)
    yield from _learning_curve(root, base)


def _learning_curve(root: Path, base: Base) -> Iterator[str]:
    """Yield a chart of the accuracy on val by epoch, at the base and now."""
    before, now = dvc_diff.read_curves(root, base)
    if len(now) < 2:  # a line needs two points
        return
    yield line_chart("Accuracy on val", "epoch", before, now)
    if before:
        yield f"Grey: `{base.name}`. Blue: now."
    else:
        yield f"The curve of `{base.name}` is missing in the DVC cache and the DVC remotes of this clone."


def _formats(root: Path) -> Iterator[str]:
    """Yield the table of exported formats."""
    results, speeds = ExportResults.read(root / "outputs/export"), measured_speeds(root / "outputs")
    yield "### Exported formats"
    yield markdown_table(FORMAT_COLUMNS, format_rows(results.formats, speeds))
    unknown = "" if speeds else " Their speed was not measured here."
    yield f"Each format was run by its own runtime on {results.pictures:,} test pictures.{unknown}"


def _promotion(root: Path, rehearsal: bool) -> str:
    """Return the verdict of promote.py, unless it is older than the model and so belongs to another one."""
    folder, model = root / "outputs/promotion", root / "outputs/model/model.keras"
    file = folder / VERDICT_FILE
    if not file.is_file() or (model.is_file() and file.stat().st_mtime < model.stat().st_mtime):
        return "### Promotion\n\nNot run (`python src/promote.py` checks the model)."
    title = "### Promotion, rehearsed on a copy of the registry" if rehearsal else "### Promotion"
    return f"{title}\n\n{Verdict.read(folder).markdown().strip()}"
