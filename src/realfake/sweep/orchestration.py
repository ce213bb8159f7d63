"""A sweep from its command line to its results: the study is opened, workers run its trials, the best is written."""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realfake.config.editing import set_values
from realfake.config.schema import Params, load_params
from realfake.core.environment import git_tags
from realfake.core.errors import UserError
from realfake.core.files import atomic_file, state_folder, workspace
from realfake.data.dataset import load_arrays
from realfake.data.preparation_report import PreparationReport
from realfake.sweep.mlflow_runs import SweepRuns, sweep_runs
from realfake.sweep.pool import Pool, receive
from realfake.sweep.ray_cluster import Cluster, Share
from realfake.sweep.results import BEST_FILE, figures_of, summary, write
from realfake.sweep.storage import answering
from realfake.sweep.study import FOLDER, Sweep, identity
from realfake.sweep.trial_table import write_trials
from realfake.sweep.trials import check_networks, values_of
from realfake.sweep.worker import Order, serve

PREPARED = "outputs/prepared"
RESULTS = "outputs/tune"


@dataclass(frozen=True)
class Request:
    """What a user asks of `python src/tune.py`."""

    trials: int
    """Finished trials that the study shall have altogether."""
    jobs: int | None = None
    """Workers side by side; None is one, or on a cluster all that fit."""
    metric: str | None = None
    """In place of tune.metric."""
    storage: str | None = None
    """An SQLAlchemy URL that machines share; None is a file of this checkout."""
    study: str | None = None
    """The study's name; None is the last one begun here."""
    new: bool = False
    """Begin another study."""
    apply: bool = False
    """Put the best parameters into params.yaml."""
    ray: str | None = None
    """Address of a Ray cluster that runs the workers; None runs them here."""
    cpus: int = 2
    """Processors of each worker on Ray."""
    gpus: float = 0.0
    """GPUs of each worker on Ray."""

    def check(self) -> None:
        """Refuse values that are impossible, or do not go together.

        Raises:
            UserError: one line on the first of them.
        """
        for name in ("trials", "jobs", "cpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name} is {value}; expected 1 or more")
        if self.gpus < 0:
            raise UserError(f"--gpus is {self.gpus:g}; expected 0 or more")
        if self.new and self.study:
            raise UserError("--new names the study itself, and --study names one; give one of them")
        if self.storage and not self.study:
            raise UserError("--storage needs --study NAME, which machines that share the database agree on")
        remote = os.environ.get("MLFLOW_TRACKING_URI", "")
        shared = re.match(r"(?!sqlite)\w+(\+\w+)?://", self.storage or "")
        if self.ray and not (shared and re.match(r"https?://|postgresql|mysql", remote)):
            raise UserError(
                "--ray needs a database and an MLflow server that every node reaches: give --storage "
                "postgresql+psycopg://user@host/name and set MLFLOW_TRACKING_URI=http://host:5000"
            )


def tune(request: Request, worker: list[str]) -> None:
    """Run workers until the study has its trials, then say and write what was found.

    Args:
        request: what the user asks.
        worker: the command that starts a process which calls `work_for_a_pool`.

    Raises:
        UserError: impossible values, nothing prepared, a storage that does not answer, workers that all fail.
    """
    request.check()
    root, name = workspace(), study_name(request.study, request.new)
    with answering(name):
        values = _sweep(request, name, root, worker)
    print((root / RESULTS / BEST_FILE).read_text(), end="")
    if request.apply:
        set_values(root / "params.yaml", values)
        print("params.yaml has these values now; `dvc repro` trains them in full")
    else:
        print(f"the same stands in {RESULTS}/{BEST_FILE}; --apply puts it into params.yaml")


def work_for_a_pool() -> None:
    """Be one worker of the process that started this one, until the study has enough trials."""
    order, metric, parent = receive(sys.stdin)
    root = workspace()
    serve(order, _params(root, metric), _arrays(root), orphaned=lambda: os.getppid() != parent)


def study_name(named: str | None, new: bool) -> str:
    """Return the study that is meant: the one named, the last one begun in this checkout, or the next.

    Raises:
        UserError: it cannot be the name of a study.
    """
    if named is not None and not re.fullmatch(r"[\w.-]*\w", named):
        raise UserError(f"--study is {named}; expected letters, digits, dots and dashes")
    last = state_folder(FOLDER) / "last"
    if not new:
        return named or (last.read_text().strip() if last.is_file() else "sweep-1")
    numbers = [path.name.removeprefix("sweep-") for path in state_folder(FOLDER).glob("sweep-*")]
    return f"sweep-{max((int(number) for number in numbers if number.isdecimal()), default=0) + 1}"


def _sweep(request: Request, name: str, root: Path, worker: list[str]) -> dict[str, Any]:
    """Open the study, run its trials, and write what was found; returns the best values."""
    params, digest = _params(root, request.metric), _prepared(root)
    check_networks(params.train, params.tune)
    sweep = Sweep(request.storage, name)
    sweep.begin(params.tune, identity(params.train, params.tune, digest))
    if not request.storage:
        with atomic_file(state_folder(FOLDER) / "last") as file:
            file.write(name.encode())
    order = Order(name, request.storage, request.trials, digest, git_tags())
    print(f"study {name}: {sweep.counts().finished} of {request.trials} trials are finished", flush=True)
    named = {f"tune.{key}": value for key, value in params.tune.model_dump().items()}
    with sweep_runs(params.tracking.experiment, sweep, named, digest, order.code) as runs:
        try:
            if request.ray:
                _run_on_ray(request, sweep, order, params)
            else:
                Pool(sweep, worker, order, params.tune.metric, request.jobs or 1).run()
        finally:
            runs.bury(sweep)
            write_trials(sweep.study, list(params.tune.space), root / RESULTS)  # also of a sweep that was stopped
        return _write_results(sweep, params, root / RESULTS, runs)


def _run_on_ray(request: Request, sweep: Sweep, order: Order, params: Params) -> None:
    """Run the workers as tasks of a cluster."""
    assert request.ray is not None
    cluster = Cluster(request.ray, Share(request.cpus, request.gpus), request.jobs)
    try:
        cluster.run(sweep, order, params, _arrays(workspace()))
    finally:
        cluster.close()


def _write_results(sweep: Sweep, params: Params, folder: Path, runs: SweepRuns) -> dict[str, Any]:
    """Leave what was found in a folder and in MLflow, and say it; returns the best values."""
    if not sweep.counts().completed:
        raise UserError("no trial ran to its end, so there is no best one; raise --trials or set tune.pruner: none")
    figures, values = figures_of(sweep.study, params.train.epochs), values_of(sweep.study.best_trial)
    with sweep.alone():  # another terminal may end the same study now
        write(sweep.study, params.tune, figures, folder)
        runs.finish(figures, sweep, values, folder)
    if said := summary(figures):
        print(said)
    return values


def _arrays(root: Path) -> tuple[Any, Any]:
    """Pictures and labels of train and of val."""
    return load_arrays(root / PREPARED, "train"), load_arrays(root / PREPARED, "val")


def _params(root: Path, metric: str | None) -> Params:
    params = load_params(root / "params.yaml")
    tune = params.tune.model_copy(update={"metric": metric}) if metric else params.tune
    return params.model_copy(update={"tune": tune})


def _prepared(root: Path) -> str:
    """Digest of the prepared pictures' content, and how they were prepared."""
    report = PreparationReport.read(root / PREPARED)
    return f"{report.digest} {json.dumps(report.params, sort_keys=True)}"
