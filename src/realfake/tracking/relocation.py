"""Rewrite MLflow's artifact paths after a project was moved or restored: MLflow stores them as absolute paths."""

import sqlite3
from contextlib import closing
from pathlib import Path

from realfake.core.errors import UserError, one_line

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def relocate(root: Path) -> None:
    """Make the artifact paths in `root`/mlflow.db point into `root`/mlruns where they point into another mlruns folder.

    Only paths that contain a folder called mlruns are changed: those are this project's own.

    Raises:
        UserError: the database cannot be read, or paths in it must change and it cannot be written.
    """
    database = root / "mlflow.db"
    if not database.is_file():
        return
    try:
        _relocate(database, root)
    except sqlite3.Error as error:
        raise UserError(
            f"the MLflow store {database} cannot be used ({one_line(error)}); check that the file is undamaged and "
            "writable, or set MLFLOW_TRACKING_URI to another store"
        ) from None


def _relocate(database: Path, root: Path) -> None:
    """Rewrite the paths in one transaction, so that a failure or a kill leaves all of them unchanged.

    This needs SQL: MLflow stores artifact locations as absolute URIs, and neither its client nor its commands can
    change those of existing experiments, runs, models and versions (mlflow/mlflow#3144, #2577; `mlflow db
    move-resources` does not change them either).
    """
    with closing(sqlite3.connect(database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "experiments" not in tables:
            return
        rows = connection.execute("SELECT artifact_location FROM experiments WHERE artifact_location LIKE '%/mlruns/%'")
        old_roots = {location.rsplit("/mlruns/", 1)[0] for (location,) in rows} - {str(root), root.as_uri()}
        with connection:
            for old in old_roots:
                for table, column in _COLUMNS:
                    if table in tables:
                        _move(connection, table, column, f"{old}/mlruns/", f"{root}/mlruns/")
    for old in sorted(old_roots):
        print(f"the project was moved from {old}: MLflow's artifact paths now point here", flush=True)


def _move(connection: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    """Replace the prefix `old` of a column's values by `new`."""
    connection.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
        (new, len(old) + 1, len(old), old),
    )
