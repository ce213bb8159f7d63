"""Run a whole sweep: open the study, let workers run its trials, and write the best parameters."""

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
from realfake.sweep.pool import Pool, receive_order
from realfake.sweep.ray_cluster import Cluster, WorkerResources
from realfake.sweep.results import BEST_FILE, summarise, sweep_metrics, write_results
from realfake.sweep.storage import explain_storage_errors
from realfake.sweep.study import FOLDER, Sweep, study_identity
from realfake.sweep.trial_table import write_trials
from realfake.sweep.trials import check_networks, trial_values
from realfake.sweep.worker import Order, run_worker

PREPARED = "outputs/prepared"
"""Folder of the prepared pictures, relative to the project."""
RESULTS = "outputs/tune"
"""Folder that a sweep writes its results into, relative to the project."""


@dataclass(frozen=True)
class Request:
    """The options of `python src/tune.py`."""

    trials: int
    """Number of finished trials that the study has at the end, earlier ones included."""
    jobs: int | None = None
    """Number of workers; None: one, or on a cluster as many as fit."""
    metric: str | None = None
    """Metric that replaces tune.metric; None keeps it."""
    storage: str | None = None
    """SQLAlchemy URL of a database that several machines share; None: a file in this checkout."""
    study: str | None = None
    """Name of the study; None: the one that was started last in this checkout."""
    new: bool = False
    """Whether to start another study."""
    apply: bool = False
    """Whether to write the best parameters into params.yaml."""
    ray: str | None = None
    """Address of a Ray cluster that runs the workers; None: they run on this machine."""
    cpus: int = 2
    """CPUs of each worker on Ray."""
    gpus: float = 0.0
    """GPUs of each worker on Ray."""

    def check(self) -> None:
        """Check the options one by one and in combination.

        Raises:
            UserError: an option is out of range, or contradicts or lacks another one.
        """
        for name in ("trials", "jobs", "cpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name} is {value}; expected 1 or more")
        if self.gpus < 0:
            raise UserError(f"--gpus is {self.gpus:g}; expected 0 or more")
        if self.new and self.study:
            raise UserError("--new chooses the name of the study, and --study gives one; use only one of them")
        if self.storage and not self.study:
            raise UserError("--storage needs --study NAME; use the same name on each machine that shares the database")
        remote = os.environ.get("MLFLOW_TRACKING_URI", "")
        shared = re.match(r"(?!sqlite)\w+(\+\w+)?://", self.storage or "")
        if self.ray and not (shared and re.match(r"https?://|postgresql|mysql", remote)):
            raise UserError(
                "--ray needs a database and an MLflow server that every node reaches: give --storage "
                "postgresql+psycopg://user@host/name and set MLFLOW_TRACKING_URI=http://host:5000"
            )


def tune(request: Request, worker: list[str]) -> None:
    """Run workers until the study has its trials, then print and write the results.

    Args:
        request: the user's options.
        worker: command that starts a process which calls `work_for_a_pool`.

    Raises:
        UserError: an option is invalid, no pictures are prepared, the storage does not answer, or all workers fail.
    """
    request.check()
    root, name = workspace(), study_name(request.study, request.new)
    with explain_storage_errors(name):
        values = _sweep(request, name, root, worker)
    print((root / RESULTS / BEST_FILE).read_text(), end="")
    if request.apply:
        set_values(root / "params.yaml", values)
        print("params.yaml now has these values; `dvc repro` trains with them in full")
    else:
        print(f"these values are in {RESULTS}/{BEST_FILE}; --apply writes them into params.yaml")


def work_for_a_pool() -> None:
    """Run trials as one worker process of a pool, until the study has enough of them."""
    order, metric, parent = receive_order(sys.stdin)
    root = workspace()
    run_worker(order, _params(root, metric), _arrays(root), orphaned=lambda: os.getppid() != parent)


def study_name(named: str | None, new: bool) -> str:
    """Return the name of the study to work on.

    Args:
        named: name that the user gave, or None for the study that was started last in this checkout.
        new: whether to start another study; its name is the next number.

    Raises:
        UserError: the given name has other characters than letters, digits, dots and dashes.
    """
    if named is not None and not re.fullmatch(r"[\w.-]*\w", named):
        raise UserError(f"--study is {named}; expected letters, digits, dots and dashes")
    last = state_folder(FOLDER) / "last"
    if not new:
        return named or (last.read_text().strip() if last.is_file() else "sweep-1")
    numbers = [path.name.removeprefix("sweep-") for path in state_folder(FOLDER).glob("sweep-*")]
    return f"sweep-{max((int(number) for number in numbers if number.isdecimal()), default=0) + 1}"


def _sweep(request: Request, name: str, root: Path, worker: list[str]) -> dict[str, Any]:
    """Open the study, run its trials and write the results; return the best trial's parameters."""
    params, digest = _params(root, request.metric), _data_identity(root)
    check_networks(params.train, params.tune)
    sweep = Sweep(request.storage, name)
    sweep.begin(params.tune, study_identity(params.train, params.tune, digest))
    if not request.storage:
        with atomic_file(state_folder(FOLDER) / "last") as file:
            file.write(name.encode())
    order = Order(name, request.storage, request.trials, digest, git_tags())
    print(f"study {name}: {sweep.counts().finished} of {request.trials} trials are finished", flush=True)
    tune_params = {f"tune.{key}": value for key, value in params.tune.model_dump().items()}
    with sweep_runs(params.tracking.experiment, sweep, tune_params, digest, order.code) as runs:
        try:
            if request.ray:
                _run_on_ray(request, sweep, order, params)
            else:
                Pool(sweep, worker, order, params.tune.metric, request.jobs or 1).run()
        finally:
            runs.close_lost(sweep)
            write_trials(sweep.study, list(params.tune.space), root / RESULTS)  # also after an interruption
        return _write_results(sweep, params, root / RESULTS, runs)


def _run_on_ray(request: Request, sweep: Sweep, order: Order, params: Params) -> None:
    """Run the workers as tasks of a Ray cluster."""
    assert request.ray is not None
    cluster = Cluster(request.ray, WorkerResources(request.cpus, request.gpus), request.jobs)
    try:
        cluster.run(sweep, order, params, _arrays(workspace()))
    finally:
        cluster.close()


def _write_results(sweep: Sweep, params: Params, folder: Path, runs: SweepRuns) -> dict[str, Any]:
    """Write the results into a folder and MLflow and print a summary; return the best trial's parameters."""
    if not sweep.counts().completed:
        raise UserError("no trial was completed, so there is no best one; raise --trials or set tune.pruner: none")
    metrics, values = sweep_metrics(sweep.study, params.train.epochs), trial_values(sweep.study.best_trial)
    with sweep.locked():  # another terminal may finish the same study now
        write_results(sweep.study, params.tune, metrics, folder)
        runs.finish(metrics, sweep, values, folder)
    if text := summarise(metrics):
        print(text)
    return values


def _arrays(root: Path) -> tuple[Any, Any]:
    """Load the pictures and labels of train and of val."""
    return load_arrays(root / PREPARED, "train"), load_arrays(root / PREPARED, "val")


def _params(root: Path, metric: str | None) -> Params:
    """Load params.yaml, with `metric` in place of tune.metric where one is given."""
    params = load_params(root / "params.yaml")
    tune = params.tune.model_copy(update={"metric": metric}) if metric else params.tune
    return params.model_copy(update={"tune": tune})


def _data_identity(root: Path) -> str:
    """Return the digest of the prepared pictures and the parameters that they were prepared with."""
    report = PreparationReport.read(root / PREPARED)
    return f"{report.digest} {json.dumps(report.params, sort_keys=True)}"
