"""MLflow's pages of all runs have an address, and a server that shows them."""

import re
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from conftest import PROJECT
from servers import answers, environment, free_port, stop, wait_until

from realfake.tracking.experiment_page import VIEW_ID
from realfake.tracking.run_link import RunLink
from realfake.tracking.store import open_store, tracking_uri
from realfake.tracking.ui import how_to_view


def test_how_to_view_a_run(project, monkeypatch):
    """Runs of this checkout need `make ui`; runs on a server do not."""
    link = RunLink("0" * 32, "toy", "realfake", "1")
    assert how_to_view(link).startswith("`make ui`, then http://127.0.0.1:5000/#/experiments/1/runs?")
    assert how_to_view(RunLink("0" * 32, "toy", "realfake")) == "`make ui`, then http://127.0.0.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@runs.example.org")
    assert how_to_view(link).startswith("https://runs.example.org/#/experiments/1/runs?")


def ui(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run src/ui.py to its end."""
    command = [sys.executable, str(PROJECT / "src/ui.py"), *arguments]
    return subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def listening():
    """Listen on a port, and yield its number."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_a_one_line_error(project):
    with listening() as port:
        done = ui("--port", str(port))
    assert done.returncode == 1
    assert re.fullmatch(rf"error: .*\b{port}\b.*\n", done.stderr)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_an_invalid_port_is_a_usage_error(port: str):
    done = ui("--port", port)
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.mark.slow
def test_the_address_is_printed_and_served(project):
    """The experiment exists even before the first run, so that its address is valid."""
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
    with open_store("realfake") as client:
        experiment = client.get_experiment_by_name("realfake")
    assert f"http://127.0.0.1:{port}/#/experiments/{experiment.experiment_id}/runs?" in log.read_text()
    assert VIEW_ID in log.read_text()
    assert tracking_uri() == f"sqlite:///{project}/mlflow.db"
