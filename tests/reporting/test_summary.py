"""The summary of `make repro` has the stages' results, and the reason if dvc.lock has changed."""

import subprocess
from pathlib import Path

import pytest
from stage_files import evaluation_scores, export_results, preparation_report

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import write_json
from realfake.export.results import TIMINGS_FILE, ExportTimings, Speed
from realfake.reporting.summary import summarise


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small files of a project whose pipeline has run, and the link to its run."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    outputs = tmp_path / "outputs"
    (tmp_path / "dvc.yaml").touch()
    counts = {"train": 4320, "val": 480, "test": 1200}
    preparation_report(counts, digest="abcdef0123456789").write(outputs / "prepared")
    evaluation_scores(accuracy=0.93, roc_auc=None).write(outputs / "evaluation")
    export_results().write(outputs / "export")
    model = outputs / "model/model.keras"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    speed = Speed(p50_ms=1.25, p95_ms=1.5, pictures_per_second=900.0, cold_start_ms=11.0)
    ExportTimings(sha256_file(model), {}, {"onnx": speed}).write(outputs / "timings")
    link = {"run_id": "0" * 32, "name": "resnet20-8ep", "experiment": "realfake"}
    write_json(tmp_path / f".cache/runs/{sha256_file(model)}.json", link)
    return tmp_path


def test_it_has_data_scores_formats_and_run(finished: Path) -> None:
    text = "\n".join(summarise(finished))
    assert "train 4,320, val 480, test 1,200 pictures; digest abcdef012345" in text
    assert "accuracy  93.00% (95 % interval 91.00% to 95.00%)" in text
    assert "ROC-AUC   undefined" in text
    assert "damaged   80.00%" in text
    assert "60.00%" in text
    assert "onnx" in text
    assert "1.25" in text
    assert "resnet20-8ep in experiment realfake: `make ui`" in text


def test_missing_timings_and_those_of_another_model_are_not_shown(finished: Path) -> None:
    (finished / "outputs/model/model.keras").write_bytes(b"other weights")
    assert "1.25" not in "\n".join(summarise(finished))
    (finished / "outputs/timings" / TIMINGS_FILE).unlink()
    assert "speed was not measured here" in "\n".join(summarise(finished))


@pytest.mark.parametrize("name", ["prepared/report", "evaluation/ci_low", "export/formats"])
def test_a_stage_that_has_not_run_is_a_one_line_error(finished: Path, name: str) -> None:
    (finished / f"outputs/{name}.json").unlink()
    with pytest.raises(UserError, match=r"\.json is missing; `dvc repro \w+`"):
        list(summarise(finished))


def test_dvc_lock_is_compared_with_the_committed_one(finished: Path) -> None:
    assert "dvc.lock" not in "\n".join(summarise(finished)), "no git here: nothing to compare with"
    lock_file = finished / "dvc.lock"
    lock_file.write_text("schema: '2.0'\nstages:\n  train:\n    cmd: python src/train.py\n")
    for words in (["init"], ["add", "dvc.lock"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-m", "lock"]):
        subprocess.run(["git", *words], check=True, capture_output=True)
    assert "dvc.lock" not in "\n".join(summarise(finished))
    lock_file.write_text(lock_file.read_text().replace("python", "python3"))
    assert [*summarise(finished)][-1] == "dvc.lock changed: train runs another command"
