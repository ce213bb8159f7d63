"""The close of `make repro`: what the pipeline has come to, in a dozen lines. `python src/summary.py`."""

from collections.abc import Iterator
from pathlib import Path

from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.core.json_files import read_json
from realfake.data.preparation_report import PreparationReport
from realfake.export.comparison import table
from realfake.reporting.dvc_lock_diff import how_to_drop_rounding, lock_moved
from realfake.reporting.export_results import formats_of
from realfake.tracking.run_link import run_of
from realfake.tracking.ui import where_to_look


def describe(root: Path) -> Iterator[str]:
    """The lines of the summary.

    Raises:
        UserError: a stage has not run yet.
    """
    report = PreparationReport.read(root / "outputs/prepared")
    counts = (f"{split} {sum(classes.values()):,}" for split, classes in report.pictures.items())
    yield f"data      {', '.join(counts)} pictures; digest {report.digest[:12]}"
    evaluation = root / "outputs/evaluation"
    score, low, high = (read_json(evaluation / f"{name}.json") for name in ("metrics", "ci_low", "ci_high"))
    yield _with_interval("accuracy", ".2%", score["accuracy"], low["accuracy"], high["accuracy"])
    yield _with_interval("ROC-AUC", ".4f", score["roc_auc"], low["roc_auc"], high["roc_auc"])
    robust = read_json(evaluation / "robust.json")
    worst = f"{robust['worst']:.2%} in the worst way"
    yield f"damaged   {robust['accuracy']:.2%} of pictures that JPEG, noise, blur ... have damaged; {worst}"
    yield from _format_table(root)
    link = run_of(root / "outputs/model")
    if link is not None:
        yield f"run       {link.name} in experiment {link.experiment}: {where_to_look(link)}"


def _with_interval(name: str, style: str, *values: float | None) -> str:
    value, low, high = ("undefined" if number is None else format(number, style) for number in values)
    return f"{name:<9} {value} (95 % interval {low} to {high}) on the test pictures"


def _format_table(root: Path) -> Iterator[str]:
    formats = formats_of(root)
    unknown = "" if formats.speeds else "; their speed was not measured here (`dvc repro -f export` does)"
    yield f"formats   on {formats.pictures:,} test pictures{unknown}"
    yield from (f"  {line}" for line in table(formats.qualities, formats.speeds).splitlines())


def main() -> None:
    """Print the summary of this checkout."""
    root = workspace()
    for line in (*describe(root), lock_moved(root), how_to_drop_rounding(root)):
        if line is not None:
            print(line)


if __name__ == "__main__":
    run(main)
