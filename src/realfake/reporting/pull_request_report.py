"""What changed since another commit, as a page for a pull request.

Scores, promotion, parameters, learning curve, why dvc.lock moved, formats. It compares the working tree with a commit
and computes nothing.
"""

from collections.abc import Iterator
from pathlib import Path

from realfake.core.text_tables import folded_section, inline_code, line_chart, markdown_table
from realfake.export.results import FORMAT_COLUMNS, ExportResults, format_rows, measured_speeds
from realfake.registry.verdict import VERDICT_FILE, Verdict
from realfake.reporting import dvc_diff
from realfake.reporting.dvc_diff import Base
from realfake.reporting.dvc_lock_diff import lock_moved
from realfake.reporting.score_changes import HEADLINE, NamedScores, change, number, score_table, scores_before_and_now
from realfake.tracking.run_link import find_run_link


def report(root: Path, base: Base | None, rehearsal: bool = False) -> str:
    """The whole page, as Markdown.

    Args:
        root: the project, its pipeline run.
        base: what is compared with; None where nothing came before.
        rehearsal: the verdict is one on a copy of the registry.

    Raises:
        UserError: a stage has not run yet, or DVC refuses.
    """
    before, now = scores_before_and_now(root, base)
    sections = [*headline(root, base, before, now), _promotion(root, rehearsal)]
    sections += _what_changed(root, base, before == now) if base else ["Nothing came before: this is the first commit."]
    return "\n\n".join([*sections, *_formats(root)]) + "\n"


def headline(root: Path, base: Base | None, before: NamedScores, now: NamedScores) -> Iterator[str]:
    """What comes first: how accurate, how that moved, and which run it was."""
    accuracy, was = now["accuracy"], before["accuracy"]
    moved = f", {change('accuracy', was, accuracy)}" if base and was.value is not None else ""
    yield f"## Accuracy {number('accuracy', accuracy.value)}{moved}"
    retrained = " as it was last retrained" if base and base.retrained else ""
    facts = [f"Compared with `{base.name}` (`{base.commit[:7]}`){retrained}."] if base else []
    link = find_run_link(root / "outputs/model")
    facts += [f"MLflow run **{link.name}** (`{link.run_id}`) in experiment {link.experiment}."] if link else []
    if facts:
        yield " ".join(facts)
    yield score_table(base, [name for name in HEADLINE if name in now], before, now)
    if was != accuracy and was.holds(accuracy) and accuracy.holds(was):
        yield "The accuracies lie within each other's interval: the difference may be chance."
    yield folded_section("All scores", score_table(base, [name for name in now if name not in HEADLINE], before, now))


def _what_changed(root: Path, base: Base, same_scores: bool) -> Iterator[str]:
    params = dvc_diff.differences(root, "params", base)
    moved = lock_moved(root, base.state)
    if same_scores and not params and moved is None:
        yield f"Nothing differs from `{base.name}`: the same parameters, the same scores, the same dvc.lock."
        return
    yield "### What changed"
    rows = [
        (inline_code(name), inline_code(row["old"]), inline_code(row["new"]))
        for file in params.values()
        for name, row in file.items()
    ]
    yield markdown_table(("parameter", base.name, "now"), sorted(rows)) if rows else "No parameter."
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
    yield markdown_table(FORMAT_COLUMNS, format_rows(results.formats, speeds))
    unknown = "" if speeds else " Their speed was not measured here."
    yield f"Each run by its own runtime on {results.pictures:,} test pictures.{unknown}"


def _promotion(root: Path, rehearsal: bool) -> str:
    """What promote.py said of this model; a verdict that is older than the model was on another one."""
    folder, model = root / "outputs/promotion", root / "outputs/model/model.keras"
    file = folder / VERDICT_FILE
    if not file.is_file() or (model.is_file() and file.stat().st_mtime < model.stat().st_mtime):
        return "### Promotion\n\nNot run (`python src/promote.py` asks the gate)."
    title = "### Promotion, rehearsed on a copy of the registry" if rehearsal else "### Promotion"
    return f"{title}\n\n{Verdict.read(folder).markdown().strip()}"
