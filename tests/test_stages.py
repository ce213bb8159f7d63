"""The four stages in one process, chained on toy pictures, with real training and a real MLflow store."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from checkouts import change, pack, runs, small_params, steps, store, toy_files, tree
from conftest import PROJECT

import evaluate
import export
import preprocess
import train
from realfake.core.json_files import read_json
from realfake.data.preparation_report import PreparationReport

STAGES = {"preprocess": preprocess, "train": train, "evaluate": evaluate, "export": export}


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which the four stages have run once, one after the other; for reading only."""
    project = tmp_path_factory.mktemp("stages")
    shutil.copy(PROJECT / "dvc.yaml", project)
    small_params(project)
    change(project, "train", epochs=2)
    pack(project / "data/toy.tar.gz", toy_files(20))
    subprocess.run(["git", "init", "--quiet", project], check=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
            patch.delenv(name, raising=False)
        patch.chdir(project)
        patch.setattr("sys.argv", ["a stage"])
        for stage in STAGES.values():
            stage.main()
        yield project


@pytest.fixture
def copied(chained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that project as working directory, to be changed."""
    copy = shutil.copytree(chained, tmp_path / "copied")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it, to the store used last
    monkeypatch.chdir(copy)
    monkeypatch.setattr("sys.argv", ["a stage"])
    return copy


def declared() -> set[str]:
    """The paths of all stages' outputs and metrics in dvc.yaml."""
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
    paths = [path for stage in stages.values() for path in (*stage["outs"], *stage.get("metrics", []))]
    return {path if isinstance(path, str) else next(iter(path)) for path in paths}


def written(project: Path) -> dict[str, bytes]:
    """What the stages have written, but for timings, which no two runs share."""
    files = {f"outputs/{name}": data for name, data in tree(project / "outputs").items()}
    return {name: data for name, data in files.items() if not name.startswith("outputs/timings/")}


def test_the_stages_write_what_dvc_yaml_declares_and_nothing_else(chained: Path) -> None:
    files, promised = list(written(chained)), declared()
    homes = {name: [path for path in promised if name == path or name.startswith(f"{path}/")] for name in files}
    assert [name for name in files if not homes[name]] == []
    assert {path for paths in homes.values() for path in paths} == promised


def test_all_that_a_pipeline_finds_is_one_run(chained: Path) -> None:
    (run,) = runs(chained)
    assert (run.info.status, steps(chained, run)) == ("FINISHED", [1, 2])
    assert {name.partition(".")[0] for name in run.data.params} == set(STAGES)
    assert run.data.tags["data_digest"] == PreparationReport.read(chained / "outputs/prepared").digest
    scores = read_json(chained / "outputs/evaluation/metrics.json")
    for name in ("accuracy", "roc_auc", "brier", "ece"):
        assert run.data.metrics[f"test/{name}"] == pytest.approx(scores[name], abs=1e-6)
    formats = read_json(chained / "outputs/export/formats.json")["formats"]
    assert run.data.metrics["export/litert_int8/accuracy"] == formats["litert_int8"]["accuracy"]
    folders = {file.path for file in store(chained).list_artifacts(run.info.run_id)}
    assert folders >= {"figures", "training", "environment", "evaluate", "export"}


@pytest.mark.slow
def test_the_stages_give_the_same_bytes_twice(chained: Path, copied: Path) -> None:
    import keras

    shutil.rmtree(copied / ".cache/checkpoints")
    shutil.rmtree(copied / "outputs")
    keras.utils.clear_session()  # Keras counts its layers' names through a process's life
    for stage in STAGES.values():
        stage.main()
    first, second = written(chained), written(copied)
    assert [name for name in first if first[name] != second.get(name)] == []
    assert len(first) == len(second)
    assert len(runs(copied)) == 2


@pytest.mark.slow
def test_a_store_that_is_gone_is_rebuilt_with_the_training(
    chained: Path, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (gone,) = runs(chained)
    (copied / "mlflow.db").unlink()
    shutil.rmtree(copied / "mlruns")
    change(copied, "evaluate", threshold=0.6)
    evaluate.main()
    assert "rebuilt as resnet8x4-32px-2ep-rebuilt" in capsys.readouterr().out
    (rebuilt,) = runs(copied)
    assert rebuilt.info.run_id != gone.info.run_id
    assert (rebuilt.info.status, steps(copied, rebuilt)) == ("FINISHED", [1, 2])
    assert rebuilt.data.params == {
        name: "0.6" if name == "evaluate.threshold" else value
        for name, value in gone.data.params.items()
        if not name.startswith("export.")
    }
    export.main()
    assert len(runs(copied)) == 1
    assert runs(copied)[0].data.params == gone.data.params | {"evaluate.threshold": "0.6"}


def test_another_threshold_moves_calls_and_nothing_that_was_trained(chained: Path, copied: Path) -> None:
    change(copied, "evaluate", threshold=0.999)
    evaluate.main()
    before, after = (read_json(folder / "outputs/evaluation/metrics.json") for folder in (chained, copied))
    assert after["roc_auc"] == before["roc_auc"]
    assert after["recall"] < before["recall"]
    parent, child = sorted(runs(copied), key=lambda run: len(run.data.params), reverse=True)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert parent.data.params["evaluate.threshold"] == "0.5"
