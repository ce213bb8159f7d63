"""Summarise the results of the pipeline in a dozen lines, which `make repro` prints at its end."""

from collections.abc import Iterator
from pathlib import Path

from realfake.data.preparation_report import PreparationReport
from realfake.evaluation.results import EvaluationScores
from realfake.export.results import ExportResults, format_table, measured_speeds
from realfake.reporting.dvc_lock_diff import explain_lock_change, explain_rounding_changes
from realfake.tracking.run_link import find_run_link
from realfake.tracking.ui import how_to_view


def summarise(root: Path) -> Iterator[str]:
    """Yield the lines of the summary: data, scores, formats, the run, and why dvc.lock differs from the committed one.

    Args:
        root: the project.

    Raises:
        UserError: a stage has not run yet.
    """
    report = PreparationReport.read(root / "outputs/prepared")
    counts = (f"{split} {sum(classes.values()):,}" for split, classes in report.pictures.items())
    yield f"data      {', '.join(counts)} pictures; digest {report.digest[:12]}"
    found = EvaluationScores.read(root / "outputs/evaluation")
    yield _with_interval("accuracy", ".2%", found.test.accuracy, found.low.accuracy, found.high.accuracy)
    yield _with_interval("ROC-AUC", ".4f", found.test.roc_auc, found.low.roc_auc, found.high.roc_auc)
    damaged, worst = _format(".2%", found.robust.accuracy), _format(".2%", found.robust.worst)
    yield f"damaged   {damaged} on test pictures damaged by JPEG, noise, blur ...; {worst} for the worst kind of damage"
    yield from _formats(root)
    link = find_run_link(root / "outputs/model")
    if link is not None:
        yield f"run       {link.name} in experiment {link.experiment}: {how_to_view(link)}"
    yield from (line for line in (explain_lock_change(root), explain_rounding_changes(root)) if line is not None)


def _with_interval(name: str, style: str, *values: float | None) -> str:
    value, low, high = (_format(style, number) for number in values)
    return f"{name:<9} {value} (95 % interval {low} to {high}) on the test pictures"


def _format(style: str, number: float | None) -> str:
    return "undefined" if number is None else format(number, style)


def _formats(root: Path) -> Iterator[str]:
    """Yield the table of exported formats."""
    results, speeds = ExportResults.read(root / "outputs/export"), measured_speeds(root / "outputs")
    unknown = "" if speeds else "; their speed was not measured here (`dvc repro -f export` does)"
    yield f"formats   on {results.pictures:,} test pictures{unknown}"
    yield from (f"  {line}" for line in format_table(results.formats, speeds).splitlines())
