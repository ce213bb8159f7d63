"""MLflow's store is created or restored where necessary, and its errors are one line."""

import os

import pytest

from realfake.core.errors import UserError
from realfake.tracking.runs import training_run
from realfake.tracking.store import create_run, delete_artifacts, open_store, public_uri, run_exists, tracking_uri


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
