"""Rewrite MLflow's artifact addresses after a project was moved or restored: MLflow stores them as absolute paths."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from realfake.core.errors import UserError, one_line
from realfake.core.uris import artifact_address, local_path

_COLUMNS = (
    ("runs", "run_uuid", "artifact_uri"),
    ("logged_models", "model_id", "artifact_location"),
    ("model_versions", "rowid", "source"),
    ("model_versions", "rowid", "storage_location"),
)
"""Tables with artifact addresses, their keys and the columns of the addresses; MLflow names folders by random ids."""

DEFAULT_EXPERIMENT = 0
"""Id of the experiment that MLflow adds to each new database; its address names the project that the database is of."""


@dataclass
class _Changes:
    """Addresses to write, and the roots that they had."""

    updates: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """Table, key column, address column, key, new address."""
    roots: set[Path] = field(default_factory=set)


def relocate(root: Path) -> None:
    """Make artifact addresses in `root`/mlflow.db point into `root`/mlruns where the artifacts are there now.

    An address changes only if the folder that it names is found in `root`/mlruns: its name is a random id, which
    proves that the project had it before it was moved, copied or restored. Addresses of other checkouts that use the
    same database stay as they are, also while their disk is not mounted. Runs without artifacts follow the others of
    their experiment, and experiments without any artifacts follow the database, if the folder that it was created in is
    gone.

    Raises:
        UserError: the database cannot be read, or addresses in it must change and it cannot be written.
    """
    database = root / "mlflow.db"
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            changes = _changes(connection, root / "mlruns")
            with connection:  # one transaction: a failure or a kill leaves all addresses unchanged
                for table, key, column, row, address in changes.updates:
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (address, row))
    except sqlite3.Error as error:
        raise UserError(
            f"the MLflow store {database} cannot be used ({one_line(error)}); check that the file is undamaged and "
            "writable, or set MLFLOW_TRACKING_URI to another store"
        ) from None
    for old in sorted(changes.roots):
        print(f"the project was moved from {old}: MLflow's artifact paths now point here", flush=True)


def _changes(connection: sqlite3.Connection, mlruns: Path) -> _Changes:
    """Return the addresses to change.

    This reads and writes MLflow's tables: neither its client nor its commands can change the artifact locations of
    existing experiments, runs, models and versions (mlflow/mlflow#3144, #2577; `mlflow db move-resources` does not
    change them either).
    """
    changes = _Changes()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "experiments" not in tables:
        return changes
    elsewhere = [
        (experiment, location, old[0], list(_addresses(connection, tables, experiment, old[0])))
        for experiment, location in connection.execute("SELECT experiment_id, artifact_location FROM experiments")
        if (old := _split(location)) is not None and old[0] != mlruns.parent
    ]
    former = {root for experiment, _, root, _ in elsewhere if experiment == DEFAULT_EXPERIMENT and not root.exists()}
    for experiment, location, root, addresses in elsewhere:
        gone = [update for update in addresses if not _folder(update[-1]).exists()]
        found = [update for update in addresses if _is_moved(update[-1], mlruns)]
        if found or (root in former and gone == addresses):
            moved = [update for update in addresses if update in found or update in gone]
            changes.updates += [(*update[:-1], _new(update[-1], mlruns)) for update in moved]
            location_column = ("experiments", "experiment_id", "artifact_location", experiment)
            changes.updates.append((*location_column, _new(location, mlruns)))
            changes.roots.add(root)
    return changes


def _addresses(
    connection: sqlite3.Connection, tables: Iterable[str], experiment: int, root: Path
) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the addresses below `root` of an experiment's runs and models: table, key, column, row and address."""
    of_experiment = {
        "runs": "experiment_id = ?1",
        "logged_models": "experiment_id = ?1",
        "model_versions": "run_id IN (SELECT run_uuid FROM runs WHERE experiment_id = ?1)",
    }
    for table, key, column in _COLUMNS:
        if table not in tables:
            continue
        rows = connection.execute(f"SELECT {key}, {column} FROM {table} WHERE {of_experiment[table]}", (experiment,))
        for row, address in rows:
            parts = _split(address)
            if parts is not None and parts[0] == root:
                yield table, key, column, row, address


def _split(address: str | None) -> tuple[Path, str] | None:
    """Return the root of a checkout and the path within its mlruns that an address names; None for other addresses."""
    path = local_path(address or "")
    root, mark, below = str(path).rpartition("/mlruns/")
    return (Path(root), below) if path is not None and mark else None


def _folder(address: str) -> Path:
    """Return the folder of a local address."""
    path = local_path(address)
    assert path is not None
    return path


def _new(address: str, mlruns: Path) -> str:
    """Return the address of the same folder below `mlruns`."""
    parts = _split(address)
    assert parts is not None
    return artifact_address(mlruns / parts[1])


def _is_moved(address: str, mlruns: Path) -> bool:
    """Return whether the folder of an address is in `mlruns` now, and is not the same folder under another name."""
    parts = _split(address)
    here = mlruns / (parts[1] if parts else "")
    there = _folder(address)
    return parts is not None and here.exists() and not (there.exists() and here.samefile(there))
