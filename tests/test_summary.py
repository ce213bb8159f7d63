"""The close of `make repro`: figures as the stages wrote them, and the cause when dvc.lock has moved."""

import subprocess
from pathlib import Path

import pytest
from stage_files import preparation_report

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import write_json
from summary import describe, main


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project after its pipeline: the small files that the stages leave, and the note of the run."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    outputs = tmp_path / "outputs"
    (tmp_path / "dvc.yaml").touch()
    counts = {"train": 4320, "val": 480, "test": 1200}
    preparation_report(counts, digest="abcdef0123456789").write(outputs / "prepared")
    write_json(outputs / "evaluation/metrics.json", {"accuracy": 0.93, "roc_auc": None})
    write_json(outputs / "evaluation/ci_low.json", {"accuracy": 0.91, "roc_auc": None})
    write_json(outputs / "evaluation/ci_high.json", {"accuracy": 0.945, "roc_auc": None})
    write_json(outputs / "evaluation/robust.json", {"accuracy": 0.81, "worst": 0.6})
    quality = {"bytes": 1_100_000, "accuracy": 0.93, "agreement": 1.0, "max_difference": 0.0}
    write_json(outputs / "export/formats.json", {"pictures": 1000, "formats": {"onnx": quality}})
    speed = {"p50_ms": 1.25, "p95_ms": 1.5, "pictures_per_second": 900.0, "cold_start_ms": 11.0}
    model = outputs / "model/model.keras"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    timings = {"model": sha256_file(model), "machine": {}, "formats": {"onnx": speed}}
    write_json(outputs / "timings/export.json", timings)
    link = {"run_id": "0" * 32, "name": "resnet20-8ep", "experiment": "realfake"}
    write_json(tmp_path / f".cache/runs/{sha256_file(model)}.json", link)
    return tmp_path


def test_the_summary_tells_data_scores_formats_and_run(finished: Path) -> None:
    text = "\n".join(describe(finished))
    assert "train 4,320, val 480, test 1,200 pictures; digest abcdef012345" in text
    assert "accuracy  93.00% (95 % interval 91.00% to 94.50%)" in text
    assert "ROC-AUC   undefined" in text
    assert "damaged   81.00% of pictures" in text
    assert "onnx" in text
    assert "1.25" in text
    assert "resnet20-8ep in experiment realfake: `make ui`" in text


def test_missing_timings_or_those_of_another_model_are_said(finished: Path) -> None:
    (finished / "outputs/model/model.keras").write_bytes(b"other weights")
    assert "1.25" not in "\n".join(describe(finished))
    (finished / "outputs/timings/export.json").unlink()
    assert "on 1,000 test pictures; their speed was not measured here" in "\n".join(describe(finished))


def test_a_stage_that_has_not_run_is_one_line(finished: Path) -> None:
    (finished / "outputs/evaluation/ci_low.json").unlink()
    with pytest.raises(UserError, match=r"ci_low.json is missing; `dvc repro` makes it"):
        list(describe(finished))


def test_the_lock_is_compared_with_the_committed_one(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main()
    assert "dvc.lock" not in capsys.readouterr().out, "no git here: nothing to compare with"

    lock_file = finished / "dvc.lock"
    lock_file.write_text("schema: '2.0'\nstages:\n  train:\n    cmd: python src/train.py\n")
    for words in (["init"], ["add", "dvc.lock"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-m", "lock"]):
        subprocess.run(["git", *words], check=True, capture_output=True)
    main()
    assert "dvc.lock" not in capsys.readouterr().out
    lock_file.write_text(lock_file.read_text().replace("python", "python3"))
    main()
    assert capsys.readouterr().out.endswith("\ndvc.lock moved: train runs another command\n")
