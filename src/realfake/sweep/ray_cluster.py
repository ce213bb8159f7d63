"""A sweep on a Ray cluster: each worker is a task with processors of its own, and starts again where a node was lost.

Code, parameters and pictures travel with the tasks; a node needs this project's packages and reaches the study's
database and the MLflow server. It keeps frozen layers' output in `~/.cache/realfake` for the next task and sweep.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.config.schema import Params
from realfake.core.errors import UserError, one_line
from realfake.core.files import atomic_file, workspace
from realfake.models.pretrained import weights_file
from realfake.sweep.pool import PATIENCE, RESTARTS, interrupted
from realfake.sweep.progress import Progress
from realfake.sweep.study import Sweep
from realfake.sweep.worker import Order, serve

if TYPE_CHECKING:
    from realfake.feature_cache.source import LabelledPictures

PASSED_ON = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_")
"""Environment variables that start so reach the workers: where runs go, and what lets them in."""


@dataclass(frozen=True)
class Share:
    """What one worker takes of its node; Ray places no more workers than fit."""

    cpus: int
    gpus: float

    def parts(self) -> dict[str, float]:
        """What is taken, by Ray's names."""
        return {"CPU": self.cpus} | ({"GPU": self.gpus} if self.gpus else {})


class Cluster:
    """Workers on the nodes of a Ray cluster.

    Args:
        address: of the cluster, as `ray start` printed it.
        share: what each worker takes.
        jobs: how many workers at most; None: as many as fit now.

    Raises:
        UserError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str, share: Share, jobs: int | None) -> None:
        self._ray = _connect(address, share.cpus)
        self._share = share
        fitting = fitting_workers([node["Resources"] for node in self._ray.nodes() if node["Alive"]], share)
        self._jobs = min(jobs or fitting, fitting)  # what does not fit would wait for ever

    def run(
        self, sweep: Sweep, order: Order, params: Params, data: "tuple[LabelledPictures, LabelledPictures]"
    ) -> None:
        """Work until the study has its trials.

        Raises:
            UserError: interrupted, or the workers failed.
        """
        if sweep.counts().finished >= order.trials:
            return
        progress = Progress(sweep, order.trials)
        options = {"num_cpus": self._share.cpus, "num_gpus": self._share.gpus, "max_retries": RESTARTS}
        task = self._ray.remote(**options)(work_on_node)
        arguments = [self._ray.put(value) for value in (order, params, data, node_files(params))]
        print(f"{self._jobs} workers with {self._share.cpus} CPUs and {self._share.gpus:g} GPUs each", flush=True)
        tasks = [task.remote(*arguments) for _ in range(self._jobs)]
        try:
            errors = self._watch(tasks, progress)
        except KeyboardInterrupt:
            self._stop(tasks)
            raise UserError(interrupted(sweep, order)) from None
        finally:
            progress.close()
        if sweep.counts().finished < order.trials:
            raise UserError(errors[-1] if errors else "the workers ended early; see Ray's logs on the nodes")

    def close(self) -> None:
        """Leave the cluster; what still runs there is stopped by Ray."""
        self._ray.shutdown()

    def _watch(self, tasks: list[Any], progress: Progress) -> list[str]:
        errors: list[str] = []
        waiting = tasks
        while waiting:
            done, waiting = self._ray.wait(waiting, timeout=0.5)
            progress.tell()
            for task in done:
                try:
                    errors += filter(None, [self._ray.get(task)])
                except self._ray.exceptions.RayTaskError as error:
                    errors.append(one_line(error.cause))
                except self._ray.exceptions.RayError as error:  # a node was lost more often than is made good
                    errors.append(f"a worker was lost: {one_line(error)}")
        return errors

    def _stop(self, tasks: list[Any]) -> None:
        for task in tasks:
            self._ray.cancel(task)
        self._ray.wait(tasks, num_returns=len(tasks), timeout=PATIENCE)


def work_on_node(
    order: Order, params: Params, data: "tuple[LabelledPictures, LabelledPictures]", files: Mapping[str, bytes]
) -> str | None:
    """The task: be a worker, in a folder of the node that outlives it; returns what the user can mend."""
    folder = Path("~/.cache/realfake").expanduser()
    for name, content in files.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            with atomic_file(folder / name) as file:
                file.write(content)
    os.chdir(folder)
    try:
        serve(order, params, data, orphaned=lambda: False)  # Ray ends a lost driver's tasks
    except UserError as error:
        return str(error)
    return None


def node_files(params: Params) -> dict[str, bytes]:
    """Read what a node needs of the checkout, by relative path: what marks a project's folder, and given weights."""
    weights = [] if params.train.weights in ("none", "imagenet") else [weights_file(params.train.weights).as_posix()]
    with suppress(FileNotFoundError):  # building the network says so in the project's words
        return {name: (workspace() / name).read_bytes() for name in ("dvc.yaml", *weights)}
    return {"dvc.yaml": b""}


def _connect(address: str, cpus: int) -> Any:
    try:
        import ray
    except ImportError:
        raise UserError('--ray needs Ray: `.venv/bin/pip install "ray[default]"`, here and on the nodes') from None
    variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    threads = {"TF_NUM_INTRAOP_THREADS": str(cpus), "OMP_NUM_THREADS": str(cpus)}
    environment = {"py_modules": [str(Path(__file__).parents[1])], "env_vars": variables | threads}
    try:
        host, _, port = address.rpartition("/")[2].rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()  # Ray itself would fill the screen
        ray.init(address=address, runtime_env=environment, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"no Ray cluster answers at {address} ({one_line(error, 160)}); start one with `ray start --head` and give "
            "the address that it prints"
        ) from None
    return ray


def fitting_workers(nodes: Sequence[Mapping[str, float]], share: Share) -> int:
    """Count the workers that the nodes hold.

    Raises:
        UserError: not one.
    """
    count = sum(int(min(node.get(name, 0) // part for name, part in share.parts().items())) for node in nodes)
    if not count:
        there = ", ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
        raise UserError(
            f"no node holds a worker with {share.cpus} CPUs and {share.gpus:g} GPUs (there are: {there}); lower --cpus "
            "or --gpus"
        )
    return count
