"""A moved project shows and loads its runs."""

import shutil
from pathlib import Path

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


def test_without_a_database_nothing_happens(tmp_path):
    relocate(tmp_path)
    assert list(tmp_path.iterdir()) == []
