"""The worker processes of a sweep on this machine: started, watched, replaced when they die, stopped."""

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
"""How often workers that died are replaced before a trial is finished: what kills them all must end."""
PATIENCE = 20.0
"""Seconds that a worker has to put its trial away when it is asked to stop."""


class Pool:
    """Workers side by side, each on processors of its own.

    Args:
        sweep: the study, begun.
        command: starts a worker that calls `receive`.
        order: what the workers do.
        metric: that they seek, in place of the one in params.yaml.
        jobs: how many.
    """

    def __init__(self, sweep: Sweep, command: list[str], order: Order, metric: str, jobs: int) -> None:
        self._sweep, self._command, self._order, self._metric, self._jobs = sweep, command, order, metric, jobs
        self._workers: list[subprocess.Popen[str]] = []
        self._gone: set[int] = set()

    def run(self) -> None:
        """Work until the study has its trials.

        Raises:
            UserError: interrupted, or the workers failed.
        """
        if self._sweep.counts().finished >= self._order.trials:
            return
        progress = Progress(self._sweep, self._order.trials)
        try:
            self._workers = [self._start(place) for place in range(self._jobs)]
            self._watch(progress)
        except KeyboardInterrupt:
            self._stop()
            raise UserError(interrupted(self._sweep, self._order)) from None
        finally:
            self._stop()
            progress.close()
        if self._sweep.counts().finished < self._order.trials:
            raise UserError(self._last_words())

    def _watch(self, progress: Progress) -> None:
        restarts, finished = 0, self._sweep.counts().finished
        while True:
            progress.tell()
            for place, worker in enumerate(self._workers):
                self._complain(place)
                if worker.poll() in (None, 0, 1):  # 1 is an error with its reason
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
        """Start a worker; it reads its order as JSON from its standard input, where no password shows in `ps`."""
        order = {"order": asdict(self._order), "metric": self._metric, "parent": os.getpid()}
        with self._log(place).open("w") as log:
            worker = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C is the parent's to pass on, once
            )
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(order | {"cores": share_of(self._jobs, place)}))
        worker.stdin.close()
        return worker

    def _stop(self) -> None:
        alive = [worker for worker in self._workers if worker.poll() is None]
        for worker in alive:
            worker.terminate()
        for worker in alive:
            try:
                worker.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def _log(self, place: int) -> Path:
        return self._sweep.folder / f"worker-{os.getpid()}-{place}.log"

    def _complain(self, place: int) -> None:
        """Say once when a worker gives up while others go on."""
        if self._workers[place].poll() == 1 and place not in self._gone:
            self._gone.add(place)
            if any(worker.poll() is None for worker in self._workers):
                print(f"a worker ended: {''.join(self._errors(place)[-1:]) or self._log(place)}", flush=True)

    def _errors(self, place: int) -> list[str]:
        lines = self._log(place).read_text(errors="replace").splitlines()
        return [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]

    def _last_words(self) -> str:
        """Why workers ended before their time."""
        for place in range(self._jobs):
            if errors := self._errors(place):
                return errors[-1]
        if any(worker.returncode == -signal.SIGKILL for worker in self._workers):
            return "the workers were killed, most likely for lack of memory; lower --jobs or train.batch_size"
        return f"the workers ended early; what they said stands in {self._log(0).parent}/worker-*.log"


def receive(stream: TextIO) -> tuple[Order, str, int]:
    """Be a worker of a pool: what it ordered, the metric, and the process that is the parent.

    SIGTERM ends a worker like Ctrl-C: its trial is put away first.
    """
    told = json.load(stream)
    if told["cores"]:
        os.sched_setaffinity(0, told["cores"])  # before TensorFlow counts them

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit("asked to stop")

    signal.signal(signal.SIGTERM, end)
    return Order(**told["order"]), told["metric"], told["parent"]


def interrupted(sweep: Sweep, order: Order) -> str:
    """What to say after Ctrl-C."""
    done = sweep.counts().finished
    return (
        f"stopped after {done} of {order.trials} trials; the same command with `--study {sweep.name}` goes on (without "
        "`--new`, if it had that)"
    )


def share_of(jobs: int, place: int) -> list[int]:
    """The processors of worker `place` of `jobs`: equally many for all, or turns where there are fewer than workers.

    Kept features are those of a number of processors, and workers share them.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // jobs
    return cores[place * each : (place + 1) * each] or [cores[place % len(cores)]]
