"""The close of `make repro`: figures as the stages wrote them, and the cause when dvc.lock has moved."""

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from realfake.errors import UserError
from realfake.workspace import sha256_file, write_json
from summary import describe, main, why_lock_moved

MACHINE = "avx2, 2 threads"


def lock() -> dict[str, Any]:
    """The stages of a small dvc.lock, as DVC 3 writes it."""
    return {
        "preprocess": {
            "cmd": "python src/preprocess.py",
            "deps": [{"path": "data", "md5": "d0.dir"}, {"path": "src/preprocess.py", "md5": "s0"}],
            "params": {"params.yaml": {"preprocess": {"size": 32, "seed": 1}}},
            "outs": [{"path": "outputs/prepared", "md5": "p0.dir"}],
        },
        "train": {
            "cmd": "python src/train.py",
            "deps": [{"path": "outputs/prepared", "md5": "p0.dir"}, {"path": "src/realfake/pixels.py", "md5": "x0"}],
            "params": {"params.yaml": {"train": {"epochs": 8, "optimizer": {"name": "adam"}}}},
            "outs": [{"path": "outputs/model", "md5": "m0.dir"}],
        },
    }


@pytest.fixture
def moved() -> dict[str, Any]:
    """The same with another model, as after any change."""
    now = copy.deepcopy(lock())
    now["train"]["outs"][0]["md5"] = "m1.dir"
    return now


def test_nothing_moved() -> None:
    assert why_lock_moved(lock(), lock(), MACHINE) is None


def test_params_are_named_with_both_values(moved: dict[str, Any]) -> None:
    moved["train"]["params"]["params.yaml"]["train"] = {"epochs": 3, "optimizer": {"name": "sgd"}}
    line = "dvc.lock moved: train.epochs 8 -> 3; train.optimizer.name adam -> sgd"
    assert why_lock_moved(lock(), moved, MACHINE) == line


def test_changed_files_are_named_but_not_what_follows_from_them(moved: dict[str, Any]) -> None:
    moved["preprocess"]["deps"][0]["md5"] = "d1.dir"
    moved["preprocess"]["outs"][0]["md5"] = moved["train"]["deps"][0]["md5"] = "p1.dir"
    assert why_lock_moved(lock(), moved, MACHINE) == "dvc.lock moved: data changed"


def test_a_module_of_several_stages_is_named_once(moved: dict[str, Any]) -> None:
    before = lock()
    for stages, digest in ((before, "x0"), (moved, "x1")):
        stages["preprocess"]["deps"].append({"path": "src/realfake/pixels.py", "md5": digest})
        stages["train"]["deps"][1]["md5"] = digest
    assert why_lock_moved(before, moved, MACHINE) == "dvc.lock moved: src/realfake/pixels.py changed"


def test_same_inputs_and_other_bytes_are_the_machine(moved: dict[str, Any]) -> None:
    line = (
        "dvc.lock moved: train had the same inputs, but other floating-point rounding (this machine: avx2, 2 threads)"
    )
    assert why_lock_moved(lock(), moved, MACHINE) == line


def test_new_stages_and_commands_are_named(moved: dict[str, Any]) -> None:
    moved["evaluate"] = moved.pop("train")
    moved["preprocess"]["cmd"] = "python3 src/preprocess.py"
    line = "dvc.lock moved: preprocess runs another command; stage evaluate is new; stage train is gone"
    assert why_lock_moved(lock(), moved, MACHINE) == line


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project after its pipeline: the small files that the stages leave, and the note of the run."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    outputs = tmp_path / "outputs"
    (tmp_path / "dvc.yaml").touch()
    pictures = {
        split: {"FAKE": count, "REAL": count} for split, count in (("train", 2160), ("val", 240), ("test", 600))
    }
    write_json(outputs / "prepared/report.json", {"digest": "abcdef0123456789", "pictures": pictures})
    write_json(outputs / "evaluation/metrics.json", {"accuracy": 0.93, "roc_auc": None})
    write_json(outputs / "evaluation/ci_low.json", {"accuracy": 0.91, "roc_auc": None})
    write_json(outputs / "evaluation/ci_high.json", {"accuracy": 0.945, "roc_auc": None})
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
