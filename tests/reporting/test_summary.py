"""The close of `make repro`: figures as the stages wrote them, and the cause when dvc.lock has moved."""

import subprocess
from pathlib import Path

import pytest
from stage_files import evaluation_scores, export_results, preparation_report

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import write_json
from realfake.export.results import TIMINGS_FILE, ExportTimings, Speed
from realfake.reporting.summary import summary


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project after its pipeline: the small files that the stages leave, and the note of the run."""
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


def test_it_tells_data_scores_formats_and_run(finished: Path) -> None:
    text = "\n".join(summary(finished))
    assert "train 4,320, val 480, test 1,200 pictures; digest abcdef012345" in text
    assert "accuracy  93.00% (95 % interval 91.00% to 95.00%)" in text
    assert "ROC-AUC   undefined" in text
    assert "damaged   80.00% of pictures" in text
    assert "60.00% in the worst way" in text
    assert "onnx" in text
    assert "1.25" in text
    assert "resnet20-8ep in experiment realfake: `make ui`" in text


def test_missing_timings_or_those_of_another_model_are_said(finished: Path) -> None:
    (finished / "outputs/model/model.keras").write_bytes(b"other weights")
    assert "1.25" not in "\n".join(summary(finished))
    (finished / "outputs/timings" / TIMINGS_FILE).unlink()
    assert "on 1,000 test pictures; their speed was not measured here" in "\n".join(summary(finished))


@pytest.mark.parametrize("name", ["prepared/report", "evaluation/ci_low", "export/formats"])
def test_a_stage_that_has_not_run_is_one_line(finished: Path, name: str) -> None:
    (finished / f"outputs/{name}.json").unlink()
    with pytest.raises(UserError, match=r"\.json is missing; `dvc repro \w+` makes it"):
        list(summary(finished))


def test_the_lock_is_compared_with_the_committed_one(finished: Path) -> None:
    assert "dvc.lock" not in "\n".join(summary(finished)), "no git here: nothing to compare with"
    lock_file = finished / "dvc.lock"
    lock_file.write_text("schema: '2.0'\nstages:\n  train:\n    cmd: python src/train.py\n")
    for words in (["init"], ["add", "dvc.lock"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-m", "lock"]):
        subprocess.run(["git", *words], check=True, capture_output=True)
    assert "dvc.lock" not in "\n".join(summary(finished))
    lock_file.write_text(lock_file.read_text().replace("python", "python3"))
    assert [*summary(finished)][-1] == "dvc.lock moved: train runs another command"
