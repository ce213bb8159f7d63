"""Compare the runs of an experiment: which parameters changed, and the resulting accuracies."""

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
"""Largest width of the table, in characters."""
COMPARED_METRICS = ("accuracy", "damaged", "int8")
"""Names in HEADLINE_METRICS: accuracy on the test pictures, on damaged ones, and of the int8 file."""
_MAX_NAME, _MAX_VALUE = 58, 24
"""Largest number of characters of a run's name and of a parameter's value in the table."""
_PAGE = 200
"""Number of runs in one request to MLflow."""
Params = Mapping[str, str]
"""Parameters by dotted name, as text: MLflow stores them so."""


@dataclass(frozen=True)
class ComparedRun:
    """A training run, or a child run of evaluate or export with other parameters than the training run has."""

    run: str
    """Name of the run."""
    run_id: str
    """MLflow's id of the run."""
    started: datetime
    """Start in this machine's time zone."""
    status: str
    """Status: running, finished, failed or killed."""
    changed: Mapping[str, tuple[str, str]]
    """Committed value and value of the run, for each parameter that differs, and for `data`, the pictures' digest."""
    metrics: Mapping[str, float]
    """Those of COMPARED_METRICS that the run has."""
    seconds: float | None
    """Duration of the training in seconds; None for child runs and unfinished ones."""

    @property
    def changes(self) -> list[str]:
        """Return the changed parameters as text such as `train.epochs 12 -> 3`."""
        return [f"{name} {_short(committed)} -> {_short(own)}" for name, (committed, own) in self.changed.items()]


def compare(client: Any, experiment: str, root: Path, limit: int) -> list[ComparedRun]:
    """Compare the newest runs of an experiment with the committed parameters.

    Sweeps and their trials are left out, since they are not evaluated on the test pictures.

    Args:
        client: an MLflow client.
        experiment: name of an existing experiment.
        root: the project with the committed params.yaml; without one, runs are compared with the newest training.
        limit: largest number of runs.

    Returns:
        Runs, the newest first.
    """
    runs = list(islice(_runs(client, client.get_experiment_by_name(experiment).experiment_id), limit))
    trainings = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    reference = committed_params(root) or (_params_of(trainings[0]) if trainings else {})
    digests = [run.data.tags["data_digest"] for run in trainings if "data_digest" in run.data.tags]
    return [_compare_run(run, {**reference, **({"data": digests[0][:12]} if digests else {})}) for run in runs]


def committed_params(root: Path) -> dict[str, str] | None:
    """Return the parameters of HEAD's params.yaml as text; None if there is no such file, or it is invalid."""
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
    """Return runs as aligned text of at most WIDTH columns, with the changed parameters below each run."""
    rows = [("run", "when", *COMPARED_METRICS, "seconds"), *(_cells(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row, run in zip(rows, (None, *runs), strict=True):
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join((row[0].ljust(widths[0]), *cells)))
        if run is not None:
            state = [] if run.status == "finished" else [run.status]
            details = "; ".join(state + (run.changes or ["parameters as committed"]))
            lines.append(textwrap.fill(details, WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


def _cells(run: ComparedRun) -> tuple[str, ...]:
    """Return the cells of a run's row."""
    shares = [f"{run.metrics[name]:.2%}" if name in run.metrics else "-" for name in COMPARED_METRICS]
    seconds = "-" if run.seconds is None else f"{run.seconds:,.0f}"
    return _short(run.run, _MAX_NAME), f"{run.started:%Y-%m-%d %H:%M}", *shares, seconds


def as_records(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    """Return runs as values for JSON; metrics that a run lacks are null."""
    return [
        {
            "run": run.run,
            "run_id": run.run_id,
            "started": run.started.isoformat(timespec="seconds"),
            "status": run.status,
            "changed": {name: {"committed": committed, "run": own} for name, (committed, own) in run.changed.items()},
            **{name: run.metrics.get(name) for name in COMPARED_METRICS},
            "seconds": run.seconds,
        }
        for run in runs
    ]


def as_csv(runs: Sequence[ComparedRun]) -> str:
    """Return runs as comma-separated values with a header; the changed parameters are one column."""
    file = io.StringIO()
    header = ("run", "run_id", "started", "status", "changed", *COMPARED_METRICS, "seconds")
    writer = csv.DictWriter(file, header, lineterminator="\n")
    writer.writeheader()
    for run, record in zip(runs, as_records(runs), strict=True):
        writer.writerow(record | {"changed": "; ".join(run.changes)})
    return file.getvalue()


def _runs(client: Any, experiment_id: str) -> Iterator[Any]:
    """Yield runs that are neither a sweep nor a trial, newest first; request further pages only as they are needed."""
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], order_by=["attributes.start_time DESC"], max_results=_PAGE, page_token=token
        )
        yield from (run for run in page if not {"sweep", "trial"} & run.data.tags.keys())
        token = page.token
        if not token:
            return


def _compare_run(run: Any, reference: Params) -> ComparedRun:
    """Compare a run's parameters with the reference; those that the reference lacks are left out."""
    params, info = _params_of(run), run.info
    changed = {name: (reference[name], value) for name, value in params.items() if reference.get(name, value) != value}
    if "train.weights" in changed:
        changed.pop("train.weights_sha256", None)  # it changes with the weights
    logged = {name: run.data.metrics.get(HEADLINE_METRICS[name]) for name in COMPARED_METRICS}
    is_training = "mlflow.parentRunId" not in run.data.tags
    return ComparedRun(
        run=info.run_name,
        run_id=info.run_id,
        started=datetime.fromtimestamp(info.start_time / 1000).astimezone(),
        status=info.status.lower(),
        changed=changed,
        metrics={name: value for name, value in logged.items() if value is not None},
        seconds=(info.end_time - info.start_time) / 1000 if is_training and info.end_time else None,
    )


def _params_of(run: Any) -> dict[str, str]:
    """Return a run's parameters, and as `data` the first digits of its pictures' digest."""
    digest = run.data.tags.get("data_digest")
    return dict(run.data.params) | ({"data": digest[:12]} if digest else {})


def _short(text: str, longest: int = _MAX_VALUE) -> str:
    """Shorten a text in its middle, since the names of runs end with their time."""
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"
