"""The pipeline by its commands: it runs, repeats, shows itself, moves and is served."""

import json
import re
import socket
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest
import yaml
from checkouts import change, runs, start, steps, store, succeed, tree, wait_for

pytestmark = pytest.mark.slow

REMOTE = re.compile(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*["']?(?:https?:)?//|import\(["']https?:""")


def test_a_finished_pipeline_is_up_to_date(finished: Path) -> None:
    before = tree(finished / "outputs")
    assert "up to date" in succeed(finished, "dvc repro")
    assert "up to date" in succeed(finished, "dvc status")
    assert succeed(finished, "git status --porcelain") == ""
    assert tree(finished / "outputs") == before


def test_metrics_are_shown_as_numbers_a_person_can_read(finished: Path) -> None:
    head, *rows = succeed(finished, "dvc metrics show").splitlines()
    assert {"Path", "accuracy", "roc_auc", "ece"} <= set(head.split())
    assert len(head) <= 160
    assert all(re.match(r"outputs/\S+\.json( +(-|\d+(\.\d{1,6})?))+$", row.strip()) for row in rows), rows
    shown = json.loads(succeed(finished, "dvc metrics show --json"))[""]["data"]
    low, middle, high = (
        shown[f"outputs/evaluation/{name}.json"]["data"]["accuracy"] for name in ("ci_low", "metrics", "ci_high")
    )
    assert 0.5 < low <= middle <= high <= 1


def test_plots_are_one_page_that_needs_no_network(finished: Path, tmp_path: Path) -> None:
    succeed(finished, f"dvc plots show --out {tmp_path}")
    page = (tmp_path / "index.html").read_text()
    assert not REMOTE.search(page)
    assert "vegaEmbed" in page
    for title in ("Confusion", "ROC", "Precision and recall", "Calibration"):
        assert title in page
    assert len(list((tmp_path / "static").iterdir())) == 4


def test_a_run_holds_everything_and_names_a_clean_commit(finished: Path) -> None:
    (run,) = runs(finished)
    client = store(finished)
    params = yaml.safe_load((finished / "params.yaml").read_text())
    assert run.info.status == "FINISHED"
    assert run.info.run_name.startswith("resnet8x4-32px-8ep-")
    assert run.data.params["train.optimizer.learning_rate"] == str(params["train"]["optimizer"]["learning_rate"])
    assert {name.partition(".")[0] for name in run.data.params} == {"preprocess", "train", "evaluate", "export"}
    assert steps(finished, run) == [1, 2, 3, 4, 5, 6, 7, 8]
    scores = json.loads((finished / "outputs/evaluation/metrics.json").read_text())
    assert run.data.metrics["test/accuracy"] == pytest.approx(scores["accuracy"], abs=1e-6)
    assert run.data.tags["git_dirty"] == "false"
    assert run.data.tags["git_commit"] in succeed(finished, "git log --format=%H")
    report = json.loads((finished / "outputs/prepared/report.json").read_text())
    assert run.data.tags["data_digest"] == report["digest"]
    assert run.inputs.dataset_inputs[0].dataset.digest == report["digest"][:32]
    folders = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert folders >= {"figures", "training", "environment", "evaluate", "export"}


def test_the_summary_names_scores_and_run(finished: Path) -> None:
    summary = succeed(finished, "python src/summary.py")
    assert re.search(r"^accuracy +\d+\.\d\d% \(95 % interval", summary, flags=re.MULTILINE)
    assert runs(finished)[0].info.run_name in summary
    assert "dvc.lock changed" not in summary


def test_experiments_land_in_the_real_checkout(copied: Path) -> None:
    before = (copied / "dvc.lock").read_bytes()
    succeed(copied, "dvc exp run --temp train --set-param train.epochs=2 --name aside")
    assert (copied / "dvc.lock").read_bytes() == before
    assert "8ep" in runs(copied)[-1].info.run_name
    succeed(copied, "dvc exp run train --set-param train.epochs=3 --name here")
    names = [run.info.run_name for run in runs(copied)]
    assert [name.split("-")[2] for name in names] == ["3ep", "2ep", "8ep"]
    assert len({run.info.run_id for run in runs(copied)}) == 3
    assert {run.info.status for run in runs(copied)} == {"FINISHED"}
    assert set(succeed(copied, "dvc exp list --name-only").split()) >= {"aside", "here"}


def test_a_changed_threshold_is_a_child_and_a_deleted_run_is_rebuilt(copied: Path) -> None:
    (parent,) = runs(copied)
    change(copied, "evaluate", threshold=0.6)
    succeed(copied, "dvc repro evaluate")
    (child,) = [run for run in runs(copied) if run.info.run_id != parent.info.run_id]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.params["evaluate.threshold"] == "0.6"
    assert store(copied).get_run(parent.info.run_id).data.params["evaluate.threshold"] == "0.5"

    store(copied).delete_run(parent.info.run_id)
    store(copied).delete_run(child.info.run_id)
    change(copied, "evaluate", threshold=0.7)
    shown = succeed(copied, "dvc repro evaluate")
    assert shown.count("rebuilt as") == 1
    (rebuilt,) = runs(copied)
    assert (rebuilt.info.status, rebuilt.data.params["evaluate.threshold"]) == ("FINISHED", "0.7")
    assert rebuilt.data.params["train.epochs"] == "8"
    assert steps(copied, rebuilt) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.fixture
def moved(copied: Path, tmp_path: Path) -> Path:
    """A project that was opened in one place and then moved to another; the first place is gone."""
    project = copied.rename(tmp_path / "moved")
    assert f"moved from {copied}" in succeed(project, "python src/relocate.py")
    return project


def post(url: str, picture: np.ndarray) -> float | None:
    """P(REAL) as a server of MLflow answers; None while it does not."""
    body = json.dumps({"inputs": picture.tolist()}).encode()
    try:
        with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=60) as answer:
            ((probability,),) = json.load(answer)["predictions"]
            return float(probability)
    except URLError:
        return None


def test_a_moved_project_serves_its_model(moved: Path, tmp_path: Path) -> None:
    import mlflow.tensorflow

    from realfake.models.saving import load_network

    (run,) = runs(moved)
    assert run.info.artifact_uri.startswith(str(moved))
    assert store(moved).download_artifacts(run.info.run_id, "figures/learning_curves.png")
    picture = np.random.default_rng(0).random((1, 32, 32, 3)).astype(np.float32)
    expected = float(load_network(moved / "outputs/model/model.keras").predict(picture, verbose=0)[0, 0])
    (model,) = store(moved).search_logged_models([run.info.experiment_id])
    loaded = mlflow.tensorflow.load_model(f"models:/{model.model_id}")
    assert float(loaded.predict(picture, verbose=0)[0, 0]) == pytest.approx(expected, abs=1e-6)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"runs:/{run.info.run_id}/model"
    server = start(
        moved,
        f"mlflow models serve --env-manager local --host 127.0.0.1 --port {port} --model-uri {uri}",
        tmp_path / "server.txt",
        MLFLOW_TRACKING_URI=f"sqlite:///{moved}/mlflow.db",
    )
    try:
        answer = wait_for(lambda: post(f"http://127.0.0.1:{port}/invocations", picture), server)
    finally:
        server.terminate()
        server.wait()
    assert 0 <= answer <= 1
    assert answer == pytest.approx(expected, abs=1e-5)
