"""The runs of an experiment beside each other: what changed in their parameters, and what came of it."""

import csv
import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.config.schema import flatten, load_params
from realfake.core.errors import UserError
from realfake.core.subprocesses import git_or_none
from realfake.tracking.experiment_page import HEADLINE_METRICS

WIDTH = 120
"""Columns of a terminal that the table fits."""
FIGURES = ("accuracy", "damaged", "int8")
"""Of HEADLINE_METRICS: accuracy on the test pictures, on damaged ones, and of the int8 file."""
_LONGEST_NAME, _LONGEST_VALUE = 58, 24
_PAGE = 200
"""Runs that MLflow is asked for at once."""
Params = Mapping[str, str]
"""Parameters by dotted name, as MLflow keeps them: text."""


@dataclass(frozen=True)
class ComparedRun:
    """A training, or a run of evaluate or export with other parameters than the training's own."""

    run: str
    run_id: str
    started: datetime
    """In this machine's time zone."""
    status: str
    """running, finished, failed or killed."""
    changed: Mapping[str, tuple[str, str]]
    """Values there and here, by name: of parameters, and of `data`, the digest of the pictures."""
    figures: Mapping[str, float]
    """Those of FIGURES that the run has."""
    seconds: float | None
    """From start to end of the training; None for other runs and while it goes on."""

    @property
    def changes(self) -> list[str]:
        """What changed, in words such as 'train.epochs 12 -> 3'."""
        return [f"{name} {_short(there)} -> {_short(here)}" for name, (there, here) in self.changed.items()]


def compare(client: Any, experiment: str, root: Path, limit: int) -> list[ComparedRun]:
    """Compare the newest runs of an experiment with the committed parameters; newest first.

    A sweep and its trials are left out: they have no figures on the test pictures.

    Args:
        client: of MLflow.
        experiment: its name; it exists.
        root: the project, whose committed params.yaml is compared with; the newest training's where none is committed.
        limit: at most so many runs.
    """
    runs = list(islice(_runs(client, client.get_experiment_by_name(experiment).experiment_id), limit))
    trainings = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    there = committed_params(root) or (_params_of(trainings[0]) if trainings else {})
    digests = [run.data.tags["data_digest"] for run in trainings if "data_digest" in run.data.tags]
    return [_compared(run, {**there, **({"data": digests[0][:12]} if digests else {})}) for run in runs]


def committed_params(root: Path) -> dict[str, str] | None:
    """Return the parameters of HEAD's params.yaml as MLflow keeps them; None where there are none or invalid ones."""
    text = git_or_none(root, "show", "HEAD:./params.yaml")
    if text is None:
        return None
    with TemporaryDirectory() as folder:
        file = Path(folder, "params.yaml")
        file.write_bytes(text)
        try:
            return {name: str(value) for name, value in flatten(load_params(file)).items()}
        except UserError:
            return None


def as_table(runs: Sequence[ComparedRun]) -> str:
    """Return runs as aligned text of at most WIDTH columns, what changed under each."""
    rows = [("run", "when", *FIGURES, "seconds"), *(_cells(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row, run in zip(rows, (None, *runs), strict=True):
        figures = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join((row[0].ljust(widths[0]), *figures)))
        if run is not None:
            state = [] if run.status == "finished" else [run.status]
            told = "; ".join(state + (run.changes or ["parameters as committed"]))
            lines.append(textwrap.fill(told, WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


def _cells(run: ComparedRun) -> tuple[str, ...]:
    shares = [f"{run.figures[name]:.2%}" if name in run.figures else "-" for name in FIGURES]
    seconds = "-" if run.seconds is None else f"{run.seconds:,.0f}"
    return _short(run.run, _LONGEST_NAME), f"{run.started:%Y-%m-%d %H:%M}", *shares, seconds


def as_records(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    """Return runs as values for JSON; figures that a run lacks are null."""
    return [
        {
            "run": run.run,
            "run_id": run.run_id,
            "started": run.started.isoformat(timespec="seconds"),
            "status": run.status,
            "changed": {name: {"committed": there, "run": here} for name, (there, here) in run.changed.items()},
            **{name: run.figures.get(name) for name in FIGURES},
            "seconds": run.seconds,
        }
        for run in runs
    ]


def as_csv(runs: Sequence[ComparedRun]) -> str:
    """Return runs as comma-separated values with a header, what changed in one column."""
    file = io.StringIO()
    header = ("run", "run_id", "started", "status", "changed", *FIGURES, "seconds")
    writer = csv.DictWriter(file, header, lineterminator="\n")
    writer.writeheader()
    for run, record in zip(runs, as_records(runs), strict=True):
        writer.writerow(record | {"changed": "; ".join(run.changes)})
    return file.getvalue()


def _runs(client: Any, experiment_id: str) -> Iterator[Any]:
    """Yield runs that are neither a sweep nor a trial, newest first, without asking for more than are taken."""
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], order_by=["attributes.start_time DESC"], max_results=_PAGE, page_token=token
        )
        yield from (run for run in page if not {"sweep", "trial"} & run.data.tags.keys())
        token = page.token
        if not token:
            return


def _compared(run: Any, there: Params) -> ComparedRun:
    here, info = _params_of(run), run.info
    changed = {name: (there[name], value) for name, value in here.items() if there.get(name, value) != value}
    if "train.weights" in changed:
        changed.pop("train.weights_sha256", None)  # it follows from the weights
    figures = {
        name: run.data.metrics[HEADLINE_METRICS[name]] for name in FIGURES if HEADLINE_METRICS[name] in run.data.metrics
    }
    is_training = "mlflow.parentRunId" not in run.data.tags
    return ComparedRun(
        run=info.run_name,
        run_id=info.run_id,
        started=datetime.fromtimestamp(info.start_time / 1000).astimezone(),
        status=info.status.lower(),
        changed=changed,
        figures=figures,
        seconds=(info.end_time - info.start_time) / 1000 if is_training and info.end_time else None,
    )


def _params_of(run: Any) -> dict[str, str]:
    digest = run.data.tags.get("data_digest")
    return dict(run.data.params) | ({"data": digest[:12]} if digest else {})


def _short(text: str, longest: int = _LONGEST_VALUE) -> str:
    """Shorten a text in its middle: names of runs end with their time."""
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"
