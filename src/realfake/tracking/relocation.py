"""A moved or restored project shows its runs: MLflow stores absolute artifact paths, so they are rewritten in place."""

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
    """Make the artifact paths in `root`/mlflow.db point into `root`/mlruns, if they point into another folder's mlruns.

    Only paths of this project's own experiments are touched: those that lie in a folder called mlruns.

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
            f"the MLflow store {database} cannot be used ({one_line(error)}); check that it is whole and can be "
            "written, or set MLFLOW_TRACKING_URI to another"
        ) from None


def _relocate(database: Path, root: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "experiments" not in tables:
            return
        rows = connection.execute("SELECT artifact_location FROM experiments WHERE artifact_location LIKE '%/mlruns/%'")
        old_roots = {location.rsplit("/mlruns/", 1)[0] for (location,) in rows} - {str(root), root.as_uri()}
        for old in old_roots:
            for table, column in _COLUMNS:
                if table in tables:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} LIKE ?",
                        (f"{root}/mlruns/", len(old) + len("/mlruns/") + 1, f"{old}/mlruns/%"),
                    )
            print(f"the project was moved from {old}: MLflow's artifact paths now point here", flush=True)
