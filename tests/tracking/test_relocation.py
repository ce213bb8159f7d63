"""A moved project finds its runs and their artifacts."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.tracking.relocation import relocate
from realfake.tracking.runs import training_run
from realfake.tracking.store import open_store, tracking_uri


def client():
    import mlflow

    return mlflow.MlflowClient(tracking_uri())


def run_with_artifact(folder: Path, experiment: str = "realfake") -> str:
    """Log a run with an artifact from the checkout `folder`, and return its id."""
    with training_run(folder, "a-run", experiment, {"folder": folder.name}) as tracked:
        client().log_text(tracked.run_id, folder.name, "figures/curve.txt")
    return tracked.run_id


def make_checkout(folder: Path, project: Path) -> Path:
    """Make a folder that looks like a checkout."""
    folder.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(project / name, folder)
    return folder


def text_of(run_id: str) -> str:
    """Return the artifact of a run."""
    return Path(client().download_artifacts(run_id, "figures/curve.txt")).read_text()


def test_a_moved_project_finds_its_artifacts(project, monkeypatch, capsys):
    old, new = project / "old", project / "new"
    for name in ("dvc.yaml", "params.yaml"):
        (old / name).parent.mkdir(exist_ok=True)
        shutil.move(project / name, old / name)
    monkeypatch.chdir(old)
    with training_run(old, "a-run", "realfake", {"train.epochs": 3}) as tracked:
        client().log_text(tracked.run_id, "curve", "figures/curve.txt")
        run_id = tracked.run_id
    monkeypatch.chdir(project)
    old.rename(new)
    relocate(new)
    assert f"moved from {old}" in capsys.readouterr().out
    monkeypatch.chdir(new)
    assert Path(client().download_artifacts(run_id, "figures/curve.txt")).read_text() == "curve"
    assert client().get_experiment_by_name("realfake").artifact_location == str(new / "mlruns/realfake")
    relocate(new)
    assert capsys.readouterr().out == ""


def test_moving_one_of_two_checkouts_on_one_database_leaves_the_other_alone(project, monkeypatch):
    """In SQL's LIKE, the name of the first would match that of the second."""
    one, two = make_checkout(project / "work_1", project), make_checkout(project / "workX1", project)
    runs = {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{one}/mlflow.db")
    for folder, experiment in ((one, "first"), (two, "second")):
        monkeypatch.chdir(folder)
        runs[folder] = run_with_artifact(folder, experiment)
    relocate(one)  # nothing was moved
    moved = one.rename(project / "moved")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{moved}/mlflow.db")
    monkeypatch.chdir(moved)
    relocate(moved)
    assert {folder.name: text_of(run) for folder, run in runs.items()} == {"work_1": "work_1", "workX1": "workX1"}
    two_aside = two.rename(project / "unmounted")
    relocate(moved)
    two_aside.rename(two)
    assert text_of(runs[two]) == "workX1"


def test_an_experiment_without_artifacts_moves_with_its_project(project, monkeypatch):
    """Otherwise its next run would be kept in the folder that the project was moved from."""
    first = make_checkout(project / "first", project)
    monkeypatch.chdir(first)
    with open_store("empty"):
        pass
    moved = first.rename(project / "second")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # MLflow sets it in this process
    monkeypatch.chdir(moved)
    relocate(moved)
    assert client().get_experiment_by_name("empty").artifact_location == str(moved / "mlruns/empty")


def test_a_copy_has_its_own_artifacts(project, monkeypatch, tmp_path_factory):
    """Otherwise a run that is pruned in the copy would lose its artifacts in the original."""
    run_id = run_with_artifact(project)
    copy = shutil.copytree(project, tmp_path_factory.mktemp("copies") / "copy")
    relocate(copy)
    for folder in (copy, project):
        monkeypatch.chdir(folder)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it in this process
        assert client().get_run(run_id).info.artifact_uri.startswith(f"{folder}/mlruns/")


def test_a_failure_leaves_every_path_unchanged(project):
    run_with_artifact(project)
    moved = project / "elsewhere"
    shutil.copytree(project / "mlruns", moved / "mlruns")
    database = shutil.copy(project / "mlflow.db", moved)
    paths = "SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs ORDER BY 1"
    refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'refused'); END"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(refuse)
        before = connection.execute(paths).fetchall()
        with pytest.raises(UserError, match=r"mlflow\.db .*\(refused\)"):
            relocate(moved)
        assert connection.execute(paths).fetchall() == before
        connection.execute("DROP TRIGGER refuse")
        relocate(moved)
        after = [path for (path,) in connection.execute(paths) if "/mlruns/" in path]
    assert after
    assert all(path.startswith(f"{moved}/mlruns/") for path in after)


def test_without_a_database_nothing_happens(tmp_path):
    relocate(tmp_path)
    assert list(tmp_path.iterdir()) == []
