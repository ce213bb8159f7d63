"""Search for better parameters: `python src/tune.py --trials 30 [--jobs N] [--apply]`.

The space, the metric and how trials are proposed and stopped stand in params.yaml under `tune`. Trials are trainings
like any other, on the pictures that `dvc repro preprocess` made. They are kept in the study: the same command goes on
with it after a stop of any kind, and `--trials` counts the finished ones of the study altogether.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.config.schema import Params, load_params
from realfake.core.errors import UserError, run
from realfake.core.files import atomic_file, state_folder, workspace
from realfake.data.preparation_report import PreparationReport

if TYPE_CHECKING:
    from realfake.feature_cache.features import Arrays
    from realfake.sweep.mlflow_runs import SweepRuns
    from realfake.sweep.study import Sweep
    from realfake.sweep.worker import Order


def main() -> None:
    """Read the command line; run the sweep, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30, metavar="N", help="finished trials altogether (default 30)")
    parser.add_argument("--jobs", type=int, metavar="N", help="workers side by side, which share the cores (default 1)")
    parser.add_argument("--metric", choices=("val_accuracy", "val_auc", "val_loss"), help="in place of tune.metric")
    parser.add_argument("--storage", metavar="URL", help="a database that machines share (default: a file here)")
    parser.add_argument("--study", metavar="NAME", help="of the study (default: the last one begun here)")
    parser.add_argument("--new", action="store_true", help="begin another study")
    parser.add_argument("--apply", action="store_true", help="put the best parameters into params.yaml")
    parser.add_argument("--ray", metavar="ADDRESS", help="run the workers on a Ray cluster (--jobs: all that fit)")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="of each worker on Ray (default 2)")
    parser.add_argument("--gpus", type=float, default=0.0, metavar="N", help="of each worker on Ray (default 0)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work_for_a_pool()
        return
    check(arguments)
    tune(arguments)


def check(arguments: argparse.Namespace) -> None:
    """What is possible together.

    Raises:
        UserError: something is not.
    """
    for name in ("trials", "jobs", "cpus"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} is {value}; expected 1 or more")
    if arguments.gpus < 0:
        raise UserError(f"--gpus is {arguments.gpus:g}; expected 0 or more")
    if arguments.new and arguments.study:
        raise UserError("--new names the study itself, and --study names one; give one of them")
    if arguments.storage and not arguments.study:
        raise UserError("--storage needs --study NAME, which machines that share the database agree on")
    remote = os.environ.get("MLFLOW_TRACKING_URI", "")
    shared = re.match(r"(?!sqlite)\w+(\+\w+)?://", arguments.storage or "")
    if arguments.ray and not (shared and re.match(r"https?://|postgresql|mysql", remote)):
        raise UserError(
            "--ray needs a database and an MLflow server that every node reaches: give --storage "
            "postgresql+psycopg://user@host/name and set MLFLOW_TRACKING_URI=http://host:5000"
        )


def tune(arguments: argparse.Namespace) -> None:
    """Run workers until the study has its trials, then say and write what was found."""
    from realfake.sweep.study import answering

    root, name = workspace(), study_name(arguments.study, arguments.new)
    with answering(name):
        values = _sweep(arguments, name, root, _params(root, arguments.metric))
    print((root / "outputs/tune/best.yaml").read_text(), end="")
    if arguments.apply:
        from realfake.config.editing import apply

        apply(root / "params.yaml", values)
        print("params.yaml has these values now; `dvc repro` trains them in full")
    else:
        print("the same stands in outputs/tune/best.yaml; --apply puts it into params.yaml")


def _sweep(arguments: argparse.Namespace, name: str, root: Path, params: Params) -> dict[str, Any]:
    from realfake.core.environment import git_state
    from realfake.sweep.mlflow_runs import sweep_runs
    from realfake.sweep.results import write_table
    from realfake.sweep.study import Sweep, identity
    from realfake.sweep.trials import check_networks
    from realfake.sweep.worker import Order

    digest = _prepared(root)
    check_networks(params.train, params.tune)
    sweep = Sweep(arguments.storage, name)
    sweep.begin(params.tune, identity(params.train, params.tune, digest))
    if not arguments.storage:
        with atomic_file(state_folder("sweeps") / "last") as file:
            file.write(name.encode())
    order = Order(name, arguments.storage, arguments.trials, digest, git_state())
    print(f"study {name}: {sweep.counts().finished} of {arguments.trials} trials are finished", flush=True)
    named = {f"tune.{key}": value for key, value in params.tune.model_dump().items()}
    with sweep_runs(params.tracking.experiment, sweep, named, digest, order.code) as runs:
        try:
            _run_workers(arguments, sweep, order, params)
        finally:
            runs.bury(sweep)
            write_table(sweep.study, params.tune, root / "outputs/tune")  # also of a sweep that was stopped
        return _write(sweep, params, root, runs)


def _run_workers(arguments: argparse.Namespace, sweep: "Sweep", order: "Order", params: Params) -> None:
    """On this machine as processes, or on a cluster as tasks."""
    if not arguments.ray:
        from realfake.sweep.pool import Pool

        command = [sys.executable, str(Path(__file__).resolve()), "--worker"]
        Pool(sweep, command, order, params.tune.metric, arguments.jobs or 1).run()
        return
    from realfake.sweep.ray_cluster import Cluster, Share

    cluster = Cluster(arguments.ray, Share(arguments.cpus, arguments.gpus), arguments.jobs)
    try:
        cluster.run(sweep, order, params, _arrays(workspace()))
    finally:
        cluster.close()


def _write(sweep: "Sweep", params: Params, root: Path, runs: "SweepRuns") -> dict[str, Any]:
    """Leave what was found in outputs/tune and in MLflow; returns the best values."""
    from realfake.sweep.results import figures_of, summary, write
    from realfake.sweep.trials import values_of

    if not sweep.counts().completed:
        raise UserError("no trial ran to its end, so there is no best one; raise --trials or set tune.pruner: none")
    figures, values = figures_of(sweep.study, params.train.epochs), values_of(sweep.study.best_trial)
    with sweep.alone():  # another terminal may end the same study now
        write(sweep.study, params.tune, figures, root / "outputs/tune")
        runs.finish(figures, sweep, values, root / "outputs/tune")
    if said := summary(figures):
        print(said)
    return values


def work_for_a_pool() -> None:
    """Be one worker of the process that started this one, until the study has enough trials."""
    from realfake.sweep.pool import receive
    from realfake.sweep.worker import serve

    order, metric, parent = receive(sys.stdin)
    root = workspace()
    serve(order, _params(root, metric), _arrays(root), orphaned=lambda: os.getppid() != parent)


def _arrays(root: Path) -> "tuple[Arrays, Arrays]":
    from realfake.data.dataset import load_arrays

    return load_arrays(root / "outputs/prepared", "train"), load_arrays(root / "outputs/prepared", "val")


def _params(root: Path, metric: str | None) -> Params:
    params = load_params(root / "params.yaml")
    tune = params.tune.model_copy(update={"metric": metric}) if metric else params.tune
    return params.model_copy(update={"tune": tune})


def _prepared(root: Path) -> str:
    """Digest of the prepared pictures' content, and how they were prepared."""
    report = PreparationReport.read(root / "outputs/prepared")
    return f"{report.digest} {json.dumps(report.params, sort_keys=True)}"


def study_name(named: str | None, new: bool) -> str:
    """The study that is meant: the one named, the last one begun in this checkout, or the next."""
    if named is not None and not re.fullmatch(r"[\w.-]*\w", named):
        raise UserError(f"--study is {named}; expected letters, digits, dots and dashes")
    last = state_folder("sweeps") / "last"
    if not new:
        return named or (last.read_text().strip() if last.is_file() else "sweep-1")
    numbers = [path.name.removeprefix("sweep-") for path in state_folder("sweeps").glob("sweep-*")]
    return f"sweep-{max((int(number) for number in numbers if number.isdecimal()), default=0) + 1}"


if __name__ == "__main__":
    run(main)
