"""MLflow's pages of all runs: their address, and the server that shows them."""

import re
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from conftest import PROJECT
from servers import answers, environment, free_port, stop, wait_until

from realfake.tracking.experiment_page import VIEW
from realfake.tracking.run_link import RunLink
from realfake.tracking.store import store, tracking_uri
from realfake.tracking.ui import where_to_look


def test_where_a_run_is_shown(project, monkeypatch):
    """Runs of this checkout wait for `make ui`; those on a server are there."""
    link = RunLink("0" * 32, "toy", "realfake", "1")
    assert where_to_look(link).startswith("`make ui`, then http://127.0.0.1:5000/#/experiments/1/runs?")
    assert where_to_look(RunLink("0" * 32, "toy", "realfake")) == "`make ui`, then http://127.0.0.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@runs.example.org")
    assert where_to_look(link).startswith("https://runs.example.org/#/experiments/1/runs?")


def ui(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "src/ui.py"), *arguments]
    return subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def listening():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_one_line_and_no_success(project):
    with listening() as port:
        done = ui("--port", str(port))
    assert done.returncode == 1
    assert re.fullmatch(rf"error: port {port} is taken.*\n", done.stderr)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_said_with_the_usage(port: str):
    done = ui("--port", port)
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.mark.slow
def test_the_address_is_printed_and_served(project):
    """The experiment is there even before the first run, so that the address leads somewhere."""
    port = free_port()
    log = project / "ui.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, str(PROJECT / "src/ui.py"), "--port", str(port)],
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), server)
    finally:
        stop(server)
    with store("realfake") as client:
        experiment = client.get_experiment_by_name("realfake")
    assert f"http://127.0.0.1:{port}/#/experiments/{experiment.experiment_id}/runs?" in log.read_text()
    assert VIEW in log.read_text()
    assert tracking_uri() == f"sqlite:///{project}/mlflow.db"
