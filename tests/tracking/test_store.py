"""MLflow's store is created or restored where necessary, and its errors are one line."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hostile_names import HOSTILE_NAMES
from servers import mlflow_server
from sqlalchemy import event
from sqlalchemy.pool import Pool

from realfake.core.errors import UserError
from realfake.core.uris import local_path
from realfake.tracking.runs import training_run
from realfake.tracking.store import (
    create_run,
    delete_artifacts,
    download_artifact,
    find_or_create,
    has_artifact,
    is_local,
    open_store,
    public_uri,
    run_exists,
    tracking_uri,
)

SOURCE = Path(__file__).parents[2] / "src"


def client():
    import mlflow

    return mlflow.MlflowClient(tracking_uri())


def test_a_run_exists_until_it_is_deleted(project):
    with open_store("realfake") as opened:
        run = create_run(opened, "realfake", "toy", {"a": 1}, {"b": "2"}).run_id
        assert run_exists(opened, run)
        assert opened.get_run(run).data.params == {"a": "1"}
        opened.delete_run(run)
        assert not run_exists(opened, run)
        assert not run_exists(opened, "0" * 32)


def test_a_folder_of_artifacts_is_deleted_and_no_other(project):
    (project / "file.txt").write_text("x")
    with open_store("realfake") as opened:
        run = create_run(opened, "realfake", "toy", {}, {}).run_id
        for folder in ("model", "other"):
            opened.log_artifact(run, "file.txt", folder)
        delete_artifacts(opened, run, "model")
        assert [item.path for item in opened.list_artifacts(run)] == ["other"]


def test_a_deleted_experiment_is_restored(project):
    with training_run(project, "first", "realfake", {}):
        client().delete_experiment("1")
    next(project.glob("run-*.json")).unlink()
    with training_run(project, "second", "realfake", {}) as tracked:
        assert client().get_run(tracked.run_id).info.run_name == "second"


UNUSABLE = [
    "sqlite:////proc/none/mlflow.db",
    "http://127.0.0.1:9",
    "postgresql+psycopg://me:secret@127.0.0.1:9/x",
    "./mlruns",
]


@pytest.mark.parametrize("uri", UNUSABLE)
def test_an_unusable_store_is_a_one_line_error(project, monkeypatch, uri):
    """It is raised at once, too: MLflow itself would retry for minutes."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match="cannot be used") as error, training_run(project, "toy", "realfake", {}):
        pass
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_read_only_database_is_a_one_line_error(project, monkeypatch):
    with training_run(project, "toy", "realfake", {}):
        pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///file:{project}/mlflow.db?mode=ro&uri=true")
    with pytest.raises(UserError, match="cannot be used"), training_run(project / ".git", "toy", "realfake", {}):
        pass


def test_a_password_in_an_address_is_never_printed(project, monkeypatch):
    """MLflow reads it from a variable and sends it in a header; no server listens at this address."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "before")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError) as error, open_store("realfake"):
        pass
    assert "s3cret" not in str(error.value)
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "s3cret"
    assert public_uri("postgresql://me:s3cret@host/db") == "postgresql://host/db"
    assert public_uri("sqlite:////home/a@b/mlflow.db") == "sqlite:////home/a@b/mlflow.db"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_project_in_a_folder_of_any_name_keeps_its_runs_in_it(project, monkeypatch, name):
    folder = project / "parent" / name
    folder.mkdir(parents=True)
    for file in ("dvc.yaml", "params.yaml"):
        shutil.copy(project / file, folder)
    shutil.copy(project / "mlflow.db", folder)  # the creation of a new one has its own tests
    monkeypatch.chdir(folder)
    with training_run(folder, "toy", "realfake", {}) as tracked:
        client().log_text(tracked.run_id, "text", "folder/text.txt")
    with open_store(None) as opened:
        local = download_artifact(f"runs:/{tracked.run_id}/folder/text.txt", project)
        assert local.read_text() == "text"
        assert has_artifact(opened, tracked.run_id, "folder/text.txt")
    assert is_local()
    assert len(list(folder.glob("mlruns/realfake/*/artifacts/folder/text.txt"))) == 1
    assert [path.name for path in folder.parent.iterdir()] == [name]
    moved = folder.rename(project / f"moved{name[:100]}")
    monkeypatch.chdir(moved)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it in this process
    with open_store(None) as opened:
        artifacts = local_path(opened.get_run(tracked.run_id).info.artifact_uri)
    assert artifacts is not None
    assert artifacts.is_relative_to(moved)
    assert (artifacts / "folder/text.txt").is_file()


@pytest.mark.slow
def test_commands_that_start_at_once_on_an_empty_server_share_its_experiment(project, tmp_path):
    program = "from realfake.tracking.store import open_store\nwith open_store('new') as c: c.search_experiments()"
    with mlflow_server(tmp_path / "server") as address:
        variables = os.environ | {"PYTHONPATH": str(SOURCE), "MLFLOW_TRACKING_URI": address}
        command = [sys.executable, "-c", program]
        started = [subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) for _ in range(6)]
        assert [(process.communicate()[1][-300:], process.returncode) for process in started] == [("", 0)] * 6


def test_an_experiment_that_another_process_creates_meanwhile_is_found(project):
    with open_store(None) as opened:
        looks = iter([None, "theirs"])

        def create() -> None:
            for _ in range(2):
                opened.create_experiment("raced")

        assert find_or_create(lambda: next(looks), create) == "theirs"


def test_a_full_disk_is_named(project):
    with open_store("realfake"):
        pass
    with closing(sqlite3.connect(project / "mlflow.db")) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()

    def limit(connection, record, proxy):
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then says that the disk is full

    event.listen(Pool, "checkout", limit)
    try:
        with pytest.raises(UserError, match="no space is left"), open_store("realfake") as opened:
            for _ in range(50):
                create_run(opened, "realfake", "toy", {str(number): "x" * 400 for number in range(90)}, {})
    finally:
        event.remove(Pool, "checkout", limit)
