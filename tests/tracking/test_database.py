"""MLflow's database is created whole, migrated as a copy, and never destroyed by a kill."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.tracking.database import prepare_database

PREPARE = """import signal, sys
from pathlib import Path
from realfake.tracking.database import prepare_database
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits that it is ignored
prepare_database(Path(sys.argv[1]))
"""
SOURCE = Path(__file__).parents[2] / "src"


def experiments(file: Path) -> list[str]:
    """Return the names of the experiments in a database."""
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM experiments")]


def content(folder: Path) -> list[str]:
    """Return the names of the files in a folder, without those of locks."""
    return sorted(entry.name for entry in folder.iterdir() if entry.suffix != ".lock")


def execute(file: Path, *statements: str) -> None:
    """Change a database."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def file(blank_store: Path, tmp_path: Path) -> Path:
    """A complete database without runs."""
    return Path(shutil.copy(blank_store, tmp_path / "mlflow.db"))


def test_a_new_database_is_complete(tmp_path: Path) -> None:
    prepare_database(tmp_path / "folder/mlflow.db")
    assert experiments(tmp_path / "folder/mlflow.db") == ["Default"]
    assert content(tmp_path / "folder") == ["mlflow.db"]


def test_a_complete_database_is_left_as_it_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    prepare_database(file)
    assert file.read_bytes() == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: execute(file, "DELETE FROM experiments"),
        lambda file: execute(file, "DROP TABLE experiments", "UPDATE alembic_version SET version_num = 'x'"),
    ],
    ids=["empty", "cut off after the tables", "cut off at the tables"],
)
def test_a_half_made_database_is_made_anew_and_says_so(file, capsys, damage) -> None:
    damage(file)
    prepare_database(file)
    assert experiments(file) == ["Default"]
    assert str(file) in capsys.readouterr().out


def test_an_older_database_is_migrated_and_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import mlflow
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config, _get_latest_schema_revision

    mlflow.MlflowClient(f"sqlite:///{file}").create_experiment("mine")
    command.downgrade(_get_alembic_config(f"sqlite:///{file}"), "-1")
    older = file.read_bytes()
    prepare_database(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (
            _get_latest_schema_revision(),
        )
    assert experiments(file) == ["Default", "mine"]
    (kept,) = (file.parent / name for name in content(file.parent) if name != file.name)
    assert kept.read_bytes() == older
    assert kept.name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda file: execute(file, "UPDATE alembic_version SET version_num = 'ffffffffffff'"), "newer MLflow"),
        (lambda file: file.write_bytes(b"no database" * 100), "not a database"),
        (lambda file: (file.unlink(), execute(file, "CREATE TABLE other (x)")), "another program"),
    ],
)
def test_an_unusable_database_is_one_line_and_stays_untouched(file, damage, reason) -> None:
    damage(file)
    before = file.read_bytes()
    with pytest.raises(UserError, match=reason) as error:
        prepare_database(file)
    assert "\n" not in str(error.value)
    assert file.read_bytes() == before
    assert content(file.parent) == [file.name]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_kill_at_any_moment_leaves_a_database_that_the_next_command_completes(tmp_path: Path, sent: int) -> None:
    reached = 0
    for attempt in range(8):
        file = tmp_path / str(attempt) / "mlflow.db"
        variables = os.environ | {"PYTHONPATH": str(SOURCE)}
        command = [sys.executable, "-c", PREPARE, str(file)]
        process = subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL)
        partial = file.with_name("mlflow.db.partial")
        deadline = time.monotonic() + 60
        while not partial.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.08 * attempt)
        process.send_signal(sent)
        reached += process.wait() != 0
        prepare_database(file)
        assert experiments(file) == ["Default"]
        assert content(file.parent) == ["mlflow.db"]
    assert reached >= 3


@pytest.mark.slow
def test_processes_of_two_checkouts_create_one_database_together(tmp_path: Path) -> None:
    variables = os.environ | {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", PREPARE, str(tmp_path / "mlflow.db")]
    started = [subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    assert experiments(tmp_path / "mlflow.db") == ["Default"]
    assert content(tmp_path) == ["mlflow.db"]
