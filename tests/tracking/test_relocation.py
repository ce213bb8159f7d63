"""A moved project finds its runs and their artifacts."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.tracking.relocation import relocate
from realfake.tracking.runs import training_run
from realfake.tracking.store import tracking_uri


def test_a_moved_project_finds_its_artifacts(project, monkeypatch, capsys):
    def client():
        import mlflow

        return mlflow.MlflowClient(tracking_uri())

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


def test_a_failure_leaves_every_path_unchanged(project):
    with training_run(project, "a-run", "realfake", {}):
        pass
    moved = project / "elsewhere"
    moved.mkdir()
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
