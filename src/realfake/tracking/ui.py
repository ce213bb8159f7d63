"""Show MLflow's pages of all runs: serve them on this machine, or name the server that keeps the runs."""

import errno
import os
import socket
import sys

from realfake.core.errors import UserError
from realfake.core.files import home
from realfake.tracking.experiment_page import runs_page
from realfake.tracking.run_link import RunLink
from realfake.tracking.store import open_store, public_uri, tracking_uri

HOST = "127.0.0.1"
"""Address to listen on: only this machine can open the pages."""
PORT = 5000
"""Default port of the pages."""
_VARIABLES = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # no extra processes for evaluations of language models
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONWARNINGS": "ignore",  # no warnings of the packages that MLflow's server imports
}
"""Environment variables of MLflow's server."""


def how_to_view(link: RunLink) -> str:
    """Return how to view a run on MLflow's pages: the address, preceded by the command that serves it if necessary."""
    served = tracking_uri().startswith("http")
    server = public_uri(tracking_uri()) if served else f"http://{HOST}:{PORT}"
    address = runs_page(server, link.experiment_id)
    return address if served else f"`make ui`, then {address}"


def serve(port: int, experiment: str) -> None:
    """Print the address of an experiment's runs, and replace this process by MLflow's server for them.

    Where MLFLOW_TRACKING_URI names a server that keeps the runs, only its address is printed.

    Args:
        port: the port to listen on, at 127.0.0.1.
        experiment: name of the experiment; it is created where it is missing, so that its page exists.

    Raises:
        UserError: the port is taken or not allowed, or the store cannot be used.
    """
    served = tracking_uri().startswith("http")
    if not served:
        _require_free(port)
    with open_store(experiment) as client:
        experiment_id = client.get_experiment_by_name(experiment).experiment_id
    if served:
        print(f"the runs are kept on a server: {runs_page(public_uri(tracking_uri()), experiment_id)}")
        return
    print(f"the runs: {runs_page(f'http://{HOST}:{port}', experiment_id)}", flush=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--host", HOST, "--port", str(port)]
    store_uri = {"MLFLOW_BACKEND_STORE_URI": tracking_uri()}  # it may hold a password, so not on the command line
    os.chdir(home())
    os.execve(sys.executable, command, os.environ | _VARIABLES | store_uri)


def _require_free(port: int) -> None:
    """Raise UserError where this process cannot listen on a port; MLflow's server would exit with 0 then."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is taken, perhaps by another `make ui`" if taken else f"cannot be used ({error.strerror})"
            raise UserError(f"port {port} {reason}; choose another port: `make ui PORT={port + 1}`") from None
