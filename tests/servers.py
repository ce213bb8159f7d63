"""Real servers for tests, on ports of their own: PostgreSQL, MLflow, Ray."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from checkouts import environment

PATIENCE = 90
"""Seconds that a server has to start."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL of its own; yields the URL of an empty database."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    programs, port = found[-1].parent, free_port()
    folder = Path(tempfile.mkdtemp(prefix="realfake-pg-"))
    user = "postgres" if os.getuid() == 0 else None  # it does not run as root
    if user:
        shutil.chown(folder, user)

    def call(program: str, *arguments: str) -> None:
        command = [programs / program, *arguments]
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=PATIENCE)

    data = str(folder / "data")
    call("initdb", "-D", data, "-U", "me", "--auth", "trust", "--no-sync")
    listening = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    call("pg_ctl", "-D", data, "-l", str(folder / "log"), "-o", listening, "-w", "start")
    try:
        call("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "me", "sweeps")
        yield f"postgresql+psycopg://me:secret@127.0.0.1:{port}/sweeps"
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


PASSWORD = "a long password for tests"


@contextmanager
def mlflow_server(folder: Path, runs: str | None = None, password: bool = False) -> Iterator[str]:
    """An MLflow server that keeps artifacts, and runs unless `runs` is a database, in a folder; yields its address.

    With `password` it asks for the user admin with PASSWORD.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", runs or f"sqlite:///{folder}/runs.db"]
    command += ["--artifacts-destination", str(folder / "files")]
    variables = environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    if password:
        pytest.importorskip("flask_wtf")
        command += ["--app-name", "basic-auth"]
        users = (
            f"[mlflow]\ndatabase_uri = sqlite:///{folder}/users.db\nadmin_username = admin\ndefault_permission = READ\n"
        )
        authorise = "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        (folder / "auth.ini").write_text(users + authorise)
        variables |= {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "secret",
        }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/health"), server)
        yield address
    finally:
        stop(server)


@contextmanager
def scoring_server(project: Path, model: str, **variables: str) -> Iterator[str]:
    """`mlflow models serve` of a registered model; yields the address that takes pictures."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", model]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (project / "serve.log").open("w") as log:
        server = subprocess.Popen(command, cwd=project, env=environment(**variables), stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/ping"), server)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        stop(server)


class RayCluster:
    """A Ray cluster on this machine."""

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._folder = folder
        self._nodes: list[subprocess.Popen[bytes]] = []

    def add(self, cpus: int) -> "subprocess.Popen[bytes]":
        """Start a node; the first one is the head."""
        port = self.address.partition(":")[2]
        place = ["--head", f"--port={port}", f"--temp-dir={self._folder}", "--include-dashboard=false"]
        joining = [f"--address={self.address}"]
        command = [str(Path(sys.executable).with_name("ray")), "start", *(joining if self._nodes else place)]
        command += [f"--num-cpus={cpus}", "--disable-usage-stats", "--block"]
        variables = environment(HOME=str(self._folder))  # where workers keep what outlives them
        log = (self._folder / f"node-{len(self._nodes)}.log").open("w")
        node = subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self._nodes.append(node)
        said = self._folder / f"node-{len(self._nodes) - 1}.log"
        wait_until(lambda: "Ray runtime started" in said.read_text(), node)
        return node

    def close(self) -> None:
        """Stop all nodes."""
        for node in self._nodes[::-1]:
            stop(node)


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """A cluster without nodes yet; its sockets need a short path."""
    pytest.importorskip("ray")
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    cluster = RayCluster(folder)
    try:
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all that it started."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium with a fresh profile, as someone has who never opened the page."""
    selenium = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=2400,1200"):
        options.add_argument(argument)
    window = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    try:
        yield window
    finally:
        window.quit()


def shown(window: Any, words: str) -> None:
    """Wait until a page shows some words."""
    end = time.monotonic() + PATIENCE
    while words not in (page := window.execute_script("return document.body.innerText")):
        assert time.monotonic() < end, f"{words} did not appear; the page says {page}"
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether a server is there and content."""
    try:
        return bool(urllib.request.urlopen(url, timeout=2).status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until(happened: Callable[[], Any], process: "subprocess.Popen[bytes]") -> None:
    """Wait for what a server that was started does in time."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, f"the server ended with {process.returncode}"
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.1)
