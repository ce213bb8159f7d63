"""Create and migrate the SQLite file of MLflow's runs under a temporary name, so that a kill never leaves half of one.

MLflow does both in place, in dozens of steps that no transaction joins: a kill in between leaves a file that it refuses
for ever ("duplicate column name").
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from filelock import FileLock

from realfake.core.errors import UserError, one_line
from realfake.core.uris import sqlite_uri


def prepare_database(file: Path) -> None:
    """Make a SQLite file one that this version of MLflow can use: create it, or migrate it, where necessary.

    A lock beside the file keeps others out, also those of other checkouts that use the same file.

    Args:
        file: absolute path of the database; MLflow's default is mlflow.db.

    Raises:
        UserError: the file is damaged, was written by a newer MLflow, or cannot be created.
    """
    if file.exists() and file.stat().st_size > 0 and _revision(file) == _current_revision():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f"{file.name}.lock")):
        _prepare(file, file.with_name(f"{file.name}.partial"))


def _prepare(file: Path, partial: Path) -> None:
    """Create or migrate a database; the caller holds its lock."""
    for leftover in (partial, *(partial.with_name(partial.name + end) for end in ("-journal", "-wal", "-shm"))):
        leftover.unlink(missing_ok=True)  # of a process that was killed here
    if not file.exists():
        _create(file, partial)
    elif file.stat().st_size == 0:
        print(f"{file} was empty (0 bytes) and is made anew; restore a copy if it held runs", flush=True)
        _create(file, partial)
    elif (revision := _revision(file)) is None:
        print(f"{file} was left unfinished when it was created, without any runs; it is made anew", flush=True)
        _create(file, partial)
    elif revision != _current_revision():
        _migrate(file, partial, revision)


def _current_revision() -> str:
    """Return the revision of the schema of this version of MLflow."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def _create(file: Path, partial: Path) -> None:
    """Create a complete, empty database under the name `partial`, then give it its name."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(sqlite_uri(partial), str(file.parent / "mlruns")).engine.dispose()
    partial.replace(file)


def _revision(file: Path) -> str | None:
    """Return the revision of a database's schema; None for one whose creation was cut off, which has no experiment.

    MLflow adds an experiment called Default as soon as its tables are complete.

    Raises:
        UserError: the file is not a database of MLflow, is damaged or cannot be read.
    """
    try:
        with closing(sqlite3.connect(file)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            foreign = bool(tables) and not tables & {"experiments", "alembic_version"}
            filled = "experiments" in tables and connection.execute("SELECT 1 FROM experiments LIMIT 1").fetchone()
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if filled else None
    except sqlite3.Error as error:
        raise _unusable(file, one_line(error)) from None
    if foreign:
        raise _unusable(file, "it is a database of another program")
    return str(found[0]) if found else None


def _migrate(file: Path, partial: Path, revision: str) -> None:
    """Migrate a copy of an older database, and keep the older one beside it.

    Raises:
        UserError: the database was written by a newer MLflow.
    """
    from alembic.util import CommandError
    from mlflow.store.db.utils import _upgrade_db
    from sqlalchemy import create_engine

    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(partial)) as copy:
        old.backup(copy)
    engine = create_engine(sqlite_uri(partial))
    try:
        _upgrade_db(engine)
    except CommandError:
        partial.unlink()
        reason = f"its schema {revision} is of a newer MLflow; use the version that wrote it"
        raise _unusable(file, reason) from None
    finally:
        engine.dispose()
    kept = file.with_name(f"{file.name}.{revision}")
    shutil.copyfile(file, kept)
    partial.replace(file)
    print(f"{file} was migrated to this version of MLflow; the older one is kept as {kept.name}", flush=True)


def _unusable(file: Path, reason: str) -> UserError:
    """Return the error for a database that cannot be opened."""
    return UserError(
        f"the MLflow store {file} cannot be used ({reason}); check that the file is undamaged and can be read and "
        f"written, restore a copy of it, or move it away to begin with an empty one: mv {file.name} {file.name}.damaged"
    )
