"""The champion over HTTP by `mlflow models serve`, beside its LiteRT file in one process: latency and throughput."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import PROJECT

from realfake.core.errors import UserError
from realfake.inference.detector import Detector, default_model

PATIENCE, SECONDS, ASKED = 120, 10, 200
"""Seconds for the server to start, seconds of each throughput, and requests of each latency."""
BATCHES, CLIENTS = (1, 64), (1, 4)


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Milliseconds of one picture, and pictures a second by batch and number of clients.

    Runs on this checkout's own champion and last export; `archive` and `count` are not used.

    Raises:
        UserError: there is no champion here, or its server does not start.
    """
    pictures = np.load(PROJECT / "outputs/prepared/test_pictures.npy")[:64]
    detector = Detector(default_model(PROJECT))
    inputs = pictures.astype(np.float32) / 255
    with _server() as address:
        bodies = {batch: json.dumps({"instances": inputs[:batch].tolist()}).encode() for batch in BATCHES}
        served = {batch: lambda batch=batch: _post(address, bodies[batch]) for batch in BATCHES}
        _post(address, bodies[64])  # traces for batches
        result = {"latency_ms": _latency(served[1]), "bytes": {str(batch): len(body) for batch, body in bodies.items()}}
        result["pictures_per_second"] = {
            f"{batch} a request, {clients} clients": _throughput(served[batch], batch, clients)
            for batch in BATCHES
            for clients in CLIENTS
        }
    result["file_latency_ms"] = _latency(lambda: detector.predict(pictures[:1]))
    result["file_pictures_per_second"] = _throughput(lambda: detector.predict(pictures), 64, 1)
    return result


@contextmanager
def _server() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    command += ["-m", "models:/realfake@champion", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{PROJECT}/mlflow.db"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    log = PROJECT / ".cache/serving.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        end = time.monotonic() + PATIENCE
        while not _alive(port):
            if server.poll() is not None or time.monotonic() > end:
                raise UserError(f"the server did not start; {log} says why (is there a champion? `make promote`)")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def _alive(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).status == 200)
    except OSError:
        return False


def _post(address: str, body: bytes) -> None:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def _latency(ask: Callable[[], Any]) -> dict[str, float]:
    taken = []
    for _ in range(ASKED):
        started = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - started) * 1000)
    return {f"p{share}": float(np.percentile(taken, share)) for share in (50, 95)}


def _throughput(ask: Callable[[], Any], pictures: int, clients: int) -> float:
    """Pictures a second of so many clients that ask without a pause."""
    done, end = [0] * clients, time.perf_counter() + SECONDS

    def client(place: int) -> None:
        while time.perf_counter() < end:
            ask()
            done[place] += pictures

    threads = [threading.Thread(target=client, args=(place,)) for place in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)
