"""Start the worker processes of a sweep on this machine, watch them, replace those that die, and stop them."""

import json
import os
import signal
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TextIO

from realfake.core.errors import UserError
from realfake.sweep.progress import Progress
from realfake.sweep.study import Sweep
from realfake.sweep.worker import Order

RESTARTS = 3
"""How many dead workers are replaced before another trial is finished; limits a cause that kills every worker."""
STOP_SECONDS = 20.0
"""Seconds that a worker has to give its trial back after SIGTERM, before it is killed."""


class Pool:
    """Worker processes of one study, each on CPUs of its own.

    Args:
        sweep: the study, already begun.
        command: command that starts a process which calls `receive_order`.
        order: what the workers have to do.
        metric: metric to optimise, in place of the one in params.yaml.
        jobs: number of workers.
    """

    def __init__(self, sweep: Sweep, command: list[str], order: Order, metric: str, jobs: int) -> None:
        self._sweep, self._command, self._order, self._metric, self._jobs = sweep, command, order, metric, jobs
        self._workers: list[subprocess.Popen[str]] = []
        self._reported: set[int] = set()

    def run(self) -> None:
        """Run workers until the study has its trials.

        Raises:
            UserError: the user interrupted the sweep, or the workers failed.
        """
        if self._sweep.counts().finished >= self._order.trials:
            return
        progress = Progress(self._sweep, self._order.trials)
        try:
            self._workers = [self._start(place) for place in range(self._jobs)]
            self._watch(progress)
        except KeyboardInterrupt:
            self._stop()
            raise UserError(interruption_message(self._sweep, self._order)) from None
        finally:
            self._stop()
            progress.close()
        if self._sweep.counts().finished < self._order.trials:
            raise UserError(self._failure_reason())

    def _watch(self, progress: Progress) -> None:
        """Print progress and replace dead workers until none is running."""
        restarts, finished = 0, self._sweep.counts().finished
        while True:
            progress.update()
            for place, worker in enumerate(self._workers):
                self._report_failure(place)
                if worker.poll() in (None, 0, 1):  # 1: it printed an error, and another worker would meet it too
                    continue
                now = self._sweep.counts().finished
                restarts, finished = (restarts if now == finished else 0), now
                if restarts < RESTARTS:
                    restarts += 1
                    self._workers[place] = self._start(place)
            if all(worker.poll() is not None for worker in self._workers):
                return
            time.sleep(0.5)

    def _start(self, place: int) -> subprocess.Popen[str]:
        """Start a worker. It reads its order from standard input, as `ps` would show a password in its arguments."""
        order = {"order": asdict(self._order), "metric": self._metric, "parent": os.getpid()}
        with self._log(place).open("w") as log:
            worker = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C reaches only this process, which passes it on once
            )
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(order | {"cores": worker_cpus(self._jobs, place)}))
        worker.stdin.close()
        return worker

    def _stop(self) -> None:
        """Ask all workers to stop; kill those that have not ended after STOP_SECONDS."""
        alive = [worker for worker in self._workers if worker.poll() is None]
        for worker in alive:
            worker.terminate()
        for worker in alive:
            try:
                worker.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def _log(self, place: int) -> Path:
        return self._sweep.folder / f"worker-{os.getpid()}-{place}.log"

    def _report_failure(self, place: int) -> None:
        """Print once that a worker ended with an error while others continue."""
        if self._workers[place].poll() == 1 and place not in self._reported:
            self._reported.add(place)
            if any(worker.poll() is None for worker in self._workers):
                print(f"a worker ended: {''.join(self._errors(place)[-1:]) or self._log(place)}", flush=True)

    def _errors(self, place: int) -> list[str]:
        """Return the error messages in the log of a worker."""
        lines = self._log(place).read_text(errors="replace").splitlines()
        return [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]

    def _failure_reason(self) -> str:
        """Return why the workers ended before the study had its trials."""
        for place in range(self._jobs):
            if errors := self._errors(place):
                return errors[-1]
        if any(worker.returncode == -signal.SIGKILL for worker in self._workers):
            return "the workers were killed, most likely for lack of memory; lower --jobs or train.batch_size"
        return f"the workers ended early; their output is in {self._log(0).parent}/worker-*.log"


def receive_order(stream: TextIO) -> tuple[Order, str, int]:
    """Read, in a worker process, what its pool has ordered.

    The process is bound to its CPUs. SIGTERM ends it like Ctrl-C: it gives its trial back first.

    Args:
        stream: text stream with one JSON object, written by `Pool`.

    Returns:
        The order, the metric to optimise, and the process id of the pool.
    """
    received = json.load(stream)
    if received["cores"]:
        os.sched_setaffinity(0, received["cores"])  # before TensorFlow counts the CPUs

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit("asked to stop")

    signal.signal(signal.SIGTERM, end)
    return Order(**received["order"]), received["metric"], received["parent"]


def interruption_message(sweep: Sweep, order: Order) -> str:
    """Return the message after Ctrl-C: how many trials are finished, and which command continues."""
    done = sweep.counts().finished
    return (
        f"stopped after {done} of {order.trials} trials; the same command with `--study {sweep.name}` continues "
        "(without `--new`, if it had that)"
    )


def worker_cpus(jobs: int, place: int) -> list[int]:
    """Return the CPUs of one worker, equally many for all; workers share CPUs where there are fewer CPUs than workers.

    Workers share cached features, and floating-point rounding depends on the number of CPUs: it must not differ.

    Args:
        jobs: number of workers.
        place: index of the worker, from 0.

    Returns:
        Numbers of the CPUs; empty where the operating system cannot bind a process to CPUs.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))
    count = len(cores) // jobs
    return cores[place * count : (place + 1) * count] or [cores[place % len(cores)]]
