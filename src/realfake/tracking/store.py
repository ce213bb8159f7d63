"""Open MLflow's store, with its errors as one line, and read and write its runs, metrics and artifacts by their ids."""

import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from realfake.core.errors import UserError, one_line
from realfake.core.files import home, state_folder
from realfake.core.uris import artifact_address, sqlite_path, sqlite_uri
from realfake.tracking.database import prepare_database
from realfake.tracking.experiment_page import set_up_page
from realfake.tracking.relocation import relocate
from realfake.tracking.run_link import RunLink

PERMANENT_TAG = "change"
"""Tag of runs that are never pruned: they are the history of promotions (registry.promotion_history)."""


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI if it is set, else the URI of mlflow.db in the checkout, as `mlflow ui` assumes it."""
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(home() / "mlflow.db")


def is_local() -> bool:
    """Return whether runs are kept in this checkout's own mlflow.db."""
    return sqlite_path(tracking_uri()) == home() / "mlflow.db"


def public_uri(uri: str) -> str:
    """Return an address without user and password; a SQLite file's path is not changed."""
    scheme, mark, rest = uri.partition("://")
    return uri if scheme.startswith("sqlite") or not mark else f"{scheme}{mark}{rest.split('@')[-1]}"


def _move_password_to_environment() -> None:
    """Move user and password from a server's address to MLflow's variables for them, since MLflow prints addresses."""
    parts = urlsplit(tracking_uri())
    if parts.scheme in ("http", "https") and parts.username is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
        os.environ["MLFLOW_TRACKING_URI"] = public_uri(tracking_uri())


@contextmanager
def open_store(experiment: str | None) -> Iterator[Any]:
    """Open the store and yield an MLflow client; the database's schema is created or migrated where necessary.

    Args:
        experiment: name of an experiment to create where it is missing; None creates none.

    Raises:
        UserError: the store cannot be reached, or an operation of the block fails in it.
    """
    import mlflow
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    _move_password_to_environment()
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # prints a traceback and raises it too
    for name, value in CLIENT_SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ.pop("MLFLOW_RUN_ID", None)  # with it set, a child run becomes its own parent (mlflow#15713)
    _require_reachable(tracking_uri())
    served = tracking_uri().startswith("http")
    migration_lock = nullcontext() if served else FileLock(state_folder("locks") / "mlflow.lock")
    try:
        with migration_lock:  # two processes must not migrate the schema of a database at the same time
            client = _open_client(tracking_uri(), experiment)
        yield client
    except (mlflow.MlflowException, SQLAlchemyError, RequestException) as error:
        raise _unusable_store(error) from None


CLIENT_SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # it shows one bar for each file
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""Environment variables of MLflow's client, unless the user has set them.

MLflow's own values let a server that hangs or answers 500 block a command for a quarter of an hour without a word.
"""
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}
"""Default port by the scheme of a store's address."""


def _require_reachable(uri: str) -> None:
    """Raise UserError at once when no server listens at an address; MLflow itself would retry for minutes."""
    from requests.utils import get_environ_proxies

    parts = urlsplit(uri)
    port = PORTS.get(parts.scheme.partition("+")[0])
    if port is None or not parts.hostname or (parts.scheme.startswith("http") and get_environ_proxies(uri)):
        return
    try:
        socket.create_connection((parts.hostname, parts.port or port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise _unusable_store(error) from None


def _open_client(uri: str, experiment: str | None) -> Any:
    """Return an MLflow client; artifact paths of a moved project are corrected, and the experiment is set up."""
    import mlflow

    try:
        if database := sqlite_path(uri):
            prepare_database(database)
        if is_local():
            relocate(home())
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient(uri)
    except OSError as error:  # the SQLite file, or its folder, cannot be created
        raise _unusable_store(error) from None
    if experiment is not None:
        ensure_experiment(client, experiment)
        set_up_page(client, client.get_experiment_by_name(experiment))
    return client


def ensure_experiment(client: Any, name: str) -> None:
    """Create an experiment of that name if there is none; restore a deleted one."""
    local = tracking_uri().startswith("sqlite")
    location = artifact_address(home() / "mlruns" / name) if local else None
    kind = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens it for training, not for GenAI
    found = find_or_create(
        lambda: client.get_experiment_by_name(name),
        lambda: client.create_experiment(name, artifact_location=location, tags=kind),
    )
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)


def find_or_create(find: Callable[[], Any | None], create: Callable[[], object]) -> Any:
    """Return what `find` finds; let `create` create it where there is none, unless another process just did.

    Raises:
        mlflow.MlflowException: it cannot be created.
    """
    import mlflow

    if (found := find()) is not None:
        return found
    try:
        create()
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = find()
    assert found is not None
    return found


def _unusable_store(error: Exception) -> UserError:
    """Return the error for a store that failed, with its address without password and the cause."""
    store = public_uri(tracking_uri())
    cause = error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause  # the database's own message, which SQLAlchemy wraps
    if "disk is full" in str(cause) or getattr(cause, "errno", None) == errno.ENOSPC:
        return UserError(
            f"no space is left on the disk of the MLflow store {store}; free some (`make prune` removes old runs and "
            "caches) and run it again"
        )
    return UserError(
        f"the MLflow store {store} cannot be used ({one_line(cause, 160)}); check that it can be reached and written, "
        "or set MLFLOW_TRACKING_URI to another store"
    )


def create_run(client: Any, experiment: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> RunLink:
    """Start a run in an existing experiment.

    Args:
        client: an MLflow client.
        experiment: the experiment's name.
        name: the run's name.
        params: parameters by name.
        tags: tags by name.
    """
    run = client.create_run(client.get_experiment_by_name(experiment).experiment_id, tags=dict(tags), run_name=name)
    log_params(client, run.info.run_id, params)
    return RunLink(run.info.run_id, name, experiment, run.info.experiment_id)


def log_params(client: Any, run_id: str, params: Mapping[str, Any]) -> None:
    """Log parameters; MLflow does not allow changing them later."""
    from mlflow.entities import Param

    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])


def as_metrics(values: Mapping[str, float], step: int, model_id: str | None = None) -> list[Any]:
    """Convert values by name to metrics for `log_batch`; with `model_id` they are also metrics of that logged model."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(key, float(value), now, step, model_id=model_id) for key, value in values.items()]


def run_exists(client: Any, run_id: str) -> bool:
    """Return whether a run exists and is not deleted."""
    import mlflow

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except mlflow.MlflowException:
        return False


def has_artifact(client: Any, run_id: str, path: str) -> bool:
    """Return whether a run has a file or folder of this path among its artifacts."""
    folder = path.rpartition("/")[0]
    return any(entry.path == path for entry in client.list_artifacts(run_id, folder or None))


def download_artifact(uri: str, folder: Path) -> Path:
    """Download an artifact by its URI into an existing folder, and return its path there."""
    import mlflow

    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))


def find_registered_model(client: Any, name: str) -> Any | None:
    """Return a registered model with its aliases and tags; None where there is none of that name."""
    import mlflow

    try:
        return client.get_registered_model(name)
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def delete_artifacts(client: Any, run_id: str, path: str) -> None:
    """Delete a folder of a run's artifacts."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(client.get_run(run_id).info.artifact_uri).delete_artifacts(path)
