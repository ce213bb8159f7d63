"""MLflow's pages of all runs, served on this machine or found on the server that keeps the runs."""

import errno
import os
import socket
import sys

from realfake.core.errors import UserError
from realfake.core.files import home
from realfake.tracking.experiment_page import runs_page
from realfake.tracking.run_link import RunLink
from realfake.tracking.store import public_uri, store, tracking_uri

HOST = "127.0.0.1"
"""Runs are shown to this machine alone."""
PORT = 5000
_VARIABLES = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # processes that wait for jobs of language models
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONWARNINGS": "ignore",  # of what MLflow's server imports
}


def where_to_look(link: RunLink) -> str:
    """Return where MLflow's pages show a run: the command that serves them, if runs are kept here, and the address."""
    served = tracking_uri().startswith("http")
    server = public_uri(tracking_uri()) if served else f"http://{HOST}:{PORT}"
    address = runs_page(server, link.experiment_id)
    return address if served else f"`make ui`, then {address}"


def serve(port: int, experiment: str) -> None:
    """Print the address of an experiment's runs, and turn this process into MLflow's server of them.

    Where MLFLOW_TRACKING_URI names a server that keeps the runs, its address is printed and nothing is started.

    Args:
        port: to listen on, at 127.0.0.1.
        experiment: its name; made where it is missing, so that its page is there.

    Raises:
        UserError: the port is taken or not allowed, or the store cannot be used.
    """
    served = tracking_uri().startswith("http")
    if not served:
        _require_free(port)
    with store(experiment) as client:
        number = client.get_experiment_by_name(experiment).experiment_id
    if served:
        print(f"the runs are kept on a server: {runs_page(public_uri(tracking_uri()), number)}")
        return
    print(f"the runs: {runs_page(f'http://{HOST}:{port}', number)}", flush=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--host", HOST, "--port", str(port)]
    kept = {"MLFLOW_BACKEND_STORE_URI": tracking_uri()}  # may hold a password, and others see command lines
    os.chdir(home())
    os.execve(sys.executable, command, os.environ | _VARIABLES | kept)


def _require_free(port: int) -> None:
    """Raise UserError where this process cannot listen on a port: MLflow's server would say so and exit with 0."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is taken, perhaps by another `make ui`" if taken else f"cannot be used ({error.strerror})"
            raise UserError(f"port {port} {reason}; take another: `make ui PORT={port + 1}`") from None
