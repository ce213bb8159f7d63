"""MLflow's store: opened, made, its errors in one line; runs, metrics and files by the ids that callers pass."""

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from realfake.core.errors import UserError, one_line
from realfake.core.files import home, state_folder
from realfake.tracking.experiment_page import furnish
from realfake.tracking.relocation import relocate
from realfake.tracking.run_link import RunLink

PERMANENT_TAG = "change"
"""Runs that have this tag are never pruned: they are the history of promotions (registry.promotion_history)."""


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI where it is set, else mlflow.db in the checkout, which a plain `mlflow ui` there finds."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"


def is_local() -> bool:
    """Whether runs go to this checkout's own mlflow.db."""
    return tracking_uri() == f"sqlite:///{home() / 'mlflow.db'}"


def public_uri(uri: str) -> str:
    """An address without user and password; a file's path stays as it is."""
    scheme, mark, rest = uri.partition("://")
    return uri if scheme.startswith("sqlite") or not mark else f"{scheme}{mark}{rest.split('@')[-1]}"


def _take_password_out() -> None:
    """A password in a server's address goes where MLflow looks for it: it prints addresses."""
    parts = urlsplit(tracking_uri())
    if parts.scheme in ("http", "https") and parts.username is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
        os.environ["MLFLOW_TRACKING_URI"] = public_uri(tracking_uri())


@contextmanager
def store(experiment: str | None) -> Iterator[Any]:
    """An MLflow client on a store whose schema exists, and whose experiment too if one is named.

    Raises:
        UserError: what the store refuses inside the block, as one line.
    """
    import mlflow
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    _take_password_out()
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # prints a traceback and raises it too
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one bar a file
    os.environ.pop("MLFLOW_RUN_ID", None)  # with it set, a child run becomes its own parent (mlflow#15713)
    _reach(tracking_uri())
    served = tracking_uri().startswith("http")
    migrating = nullcontext() if served else FileLock(state_folder("locks") / "mlflow.lock")
    try:
        with migrating:  # two processes must not migrate the schema of a database at once
            client = _open(tracking_uri(), experiment)
        yield client
    except (mlflow.MlflowException, SQLAlchemyError, RequestException) as error:
        raise _unusable(error) from None


PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}


def _reach(uri: str) -> None:
    """Say at once when nobody listens at an address: MLflow's own attempts go on for minutes."""
    from requests.utils import get_environ_proxies

    parts = urlsplit(uri)
    port = PORTS.get(parts.scheme.partition("+")[0])
    if port is None or not parts.hostname or (parts.scheme.startswith("http") and get_environ_proxies(uri)):
        return
    try:
        socket.create_connection((parts.hostname, parts.port or port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise _unusable(error) from None


def _open(uri: str, experiment: str | None) -> Any:
    import mlflow

    if is_local():
        relocate(home())
    mlflow.set_tracking_uri(uri)
    try:
        client = mlflow.MlflowClient(uri)
    except OSError as error:  # the folder of a SQLite file cannot be made
        raise _unusable(error) from None
    if experiment is not None:
        ensure_experiment(client, experiment)
        furnish(client, client.get_experiment_by_name(experiment))
    return client


def ensure_experiment(client: Any, name: str) -> None:
    """Make an experiment where there is none of that name, and bring back a deleted one."""
    found = client.get_experiment_by_name(name)
    if found is None:
        location = str(home() / "mlruns" / name) if tracking_uri().startswith("sqlite:") else None
        kind = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens it as training, not as GenAI
        client.create_experiment(name, artifact_location=location, tags=kind)
    elif found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)


def _unusable(error: Exception) -> UserError:
    store = public_uri(tracking_uri())
    cause = error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause  # the database's own words, without SQLAlchemy's around them
    return UserError(
        f"the MLflow store {store} cannot be used ({one_line(cause, 160)}); check that it can be reached and written, "
        "or set MLFLOW_TRACKING_URI to another"
    )


def create_run(client: Any, experiment: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> RunLink:
    """Begin a run in an experiment that exists."""
    run = client.create_run(client.get_experiment_by_name(experiment).experiment_id, tags=dict(tags), run_name=name)
    log_params(client, run.info.run_id, params)
    return RunLink(run.info.run_id, name, experiment, run.info.experiment_id)


def log_params(client: Any, run_id: str, params: Mapping[str, Any]) -> None:
    """Log parameters, which no later call can change."""
    from mlflow.entities import Param

    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])


def as_metrics(values: Mapping[str, float], step: int, model_id: str | None = None) -> list[Any]:
    """Figures as `log_batch` takes them; with `model_id` they are those of a logged network too."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(key, float(value), now, step, model_id=model_id) for key, value in values.items()]


def exists(client: Any, run_id: str) -> bool:
    """Whether a run is there and not deleted."""
    import mlflow

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except mlflow.MlflowException:
        return False


def has_artifact(client: Any, run_id: str, path: str) -> bool:
    """Whether a run has a file or folder of this name among its artifacts."""
    folder = path.rpartition("/")[0]
    return any(entry.path == path for entry in client.list_artifacts(run_id, folder or None))


def download(uri: str, folder: Path) -> Path:
    """Fetch an artifact by its address into an existing folder."""
    import mlflow

    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))


def registered_model(client: Any, name: str) -> Any | None:
    """A registered model with its aliases and tags; None where there is none."""
    import mlflow

    try:
        return client.get_registered_model(name)
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def delete_artifacts(client: Any, run_id: str, path: str) -> None:
    """Remove a folder of a run's artifacts."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(client.get_run(run_id).info.artifact_uri).delete_artifacts(path)
