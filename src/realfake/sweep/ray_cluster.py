"""Run a sweep on a Ray cluster: each worker is a task with its own CPUs and GPUs, restarted if its node is lost.

Code, parameters and pictures are sent with the tasks. A node needs the packages of requirements.lock, and a connection
to the study's database and the MLflow server. It caches the output of frozen layers in `~/.cache/realfake`.
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
from realfake.sweep.pool import RESTARTS, STOP_SECONDS, interruption_message
from realfake.sweep.progress import Progress
from realfake.sweep.study import Sweep
from realfake.sweep.worker import Order, run_worker

if TYPE_CHECKING:
    from realfake.feature_cache.source import LabelledPictures

PASSED_ON = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_")
"""Prefixes of the environment variables that workers get: addresses and credentials of MLflow and its artifacts."""


@dataclass(frozen=True)
class WorkerResources:
    """CPUs and GPUs that Ray reserves for one worker."""

    cpus: int
    gpus: float
    """May be a fraction: workers then share a GPU."""

    def requirements(self) -> dict[str, float]:
        """Return the reserved amounts by Ray's names."""
        return {"CPU": self.cpus} | ({"GPU": self.gpus} if self.gpus else {})


class Cluster:
    """Workers on the nodes of a Ray cluster.

    Args:
        address: address of the cluster, as `ray start` printed it.
        resources: CPUs and GPUs of each worker.
        jobs: largest number of workers; None: as many as fit now.

    Raises:
        UserError: Ray is not installed, no cluster answers, or not even one worker fits.
    """

    def __init__(self, address: str, resources: WorkerResources, jobs: int | None) -> None:
        self._ray = _connect(address, resources.cpus)
        self._resources = resources
        fitting = fitting_workers([node["Resources"] for node in self._ray.nodes() if node["Alive"]], resources)
        self._jobs = min(jobs or fitting, fitting)  # Ray would let the others wait for ever

    def run(
        self, sweep: Sweep, order: Order, params: Params, data: "tuple[LabelledPictures, LabelledPictures]"
    ) -> None:
        """Run workers until the study has its trials.

        Args:
            sweep: the study, already begun.
            order: what the workers have to do.
            params: all parameters.
            data: pictures and labels of train and of val.

        Raises:
            UserError: the user interrupted the sweep, or the workers failed.
        """
        if sweep.counts().finished >= order.trials:
            return
        progress = Progress(sweep, order.trials)
        cpus, gpus = self._resources.cpus, self._resources.gpus
        options = {"num_cpus": cpus, "num_gpus": gpus, "max_retries": RESTARTS}
        task = self._ray.remote(**options)(work_on_node)
        arguments = [self._ray.put(value) for value in (order, params, data, node_files(params))]
        print(f"{self._jobs} workers with {cpus} CPUs and {gpus:g} GPUs each", flush=True)
        tasks = [task.remote(*arguments) for _ in range(self._jobs)]
        try:
            errors = self._watch(tasks, progress)
        except KeyboardInterrupt:
            self._stop(tasks)
            raise UserError(interruption_message(sweep, order)) from None
        finally:
            progress.close()
        if sweep.counts().finished < order.trials:
            raise UserError(errors[-1] if errors else "the workers ended early; see Ray's logs on the nodes")

    def close(self) -> None:
        """Disconnect from the cluster; Ray stops the tasks that still run there."""
        self._ray.shutdown()

    def _watch(self, tasks: list[Any], progress: Progress) -> list[str]:
        """Print progress until all tasks have ended; return the errors of those that failed."""
        errors: list[str] = []
        waiting = tasks
        while waiting:
            done, waiting = self._ray.wait(waiting, timeout=0.5)
            progress.update()
            for task in done:
                try:
                    errors += filter(None, [self._ray.get(task)])
                except self._ray.exceptions.RayTaskError as error:
                    errors.append(one_line(error.cause))
                except self._ray.exceptions.RayError as error:  # a node was lost more than RESTARTS times
                    errors.append(f"a worker was lost: {one_line(error)}")
        return errors

    def _stop(self, tasks: list[Any]) -> None:
        for task in tasks:
            self._ray.cancel(task)
        self._ray.wait(tasks, num_returns=len(tasks), timeout=STOP_SECONDS)


def work_on_node(
    order: Order, params: Params, data: "tuple[LabelledPictures, LabelledPictures]", files: Mapping[str, bytes]
) -> str | None:
    """Run trials on a node, as a Ray task; return the message of a UserError, None if there was none.

    The task works in a folder of the node that stays for later tasks; `files` are written into it (see `node_files`).
    """
    folder = Path("~/.cache/realfake").expanduser()
    for name, content in files.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            with atomic_file(folder / name) as file:
                file.write(content)
    os.chdir(folder)
    try:
        run_worker(order, params, data, orphaned=lambda: False)  # Ray itself ends the tasks of a lost driver
    except UserError as error:
        return str(error)
    return None


def node_files(params: Params) -> dict[str, bytes]:
    """Return the files of the checkout that a node needs, as bytes by relative path: dvc.yaml, and starting weights."""
    weights = [] if params.train.weights in ("none", "imagenet") else [weights_file(params.train.weights).as_posix()]
    with suppress(FileNotFoundError):  # a missing weights file is reported when the network is built
        return {name: (workspace() / name).read_bytes() for name in ("dvc.yaml", *weights)}
    return {"dvc.yaml": b""}


def _connect(address: str, cpus: int) -> Any:
    """Connect to a cluster, send the code to its nodes, and return the module ray."""
    try:
        import ray
    except ImportError:
        raise UserError('--ray needs Ray: `.venv/bin/pip install "ray[default]"`, here and on the nodes') from None
    variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    threads = {"TF_NUM_INTRAOP_THREADS": str(cpus), "OMP_NUM_THREADS": str(cpus)}
    environment = {"py_modules": [str(Path(__file__).parents[1])], "env_vars": variables | threads}
    try:
        host, _, port = address.rpartition("/")[2].rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()  # Ray itself would print many lines
        ray.init(address=address, runtime_env=environment, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"no Ray cluster answers at {address} ({one_line(error, 160)}); start one with `ray start --head` and give "
            "the address that it prints"
        ) from None
    return ray


def fitting_workers(nodes: Sequence[Mapping[str, float]], resources: WorkerResources) -> int:
    """Count the workers that fit on the nodes.

    Args:
        nodes: resources of each node, by Ray's names.
        resources: CPUs and GPUs of each worker.

    Raises:
        UserError: not one fits.
    """
    count = sum(
        int(min(node.get(name, 0) // part for name, part in resources.requirements().items())) for node in nodes
    )
    if not count:
        listed = ", ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
        raise UserError(
            f"no node has room for a worker with {resources.cpus} CPUs and {resources.gpus:g} GPUs (nodes: {listed}); "
            "lower --cpus or --gpus"
        )
    return count
