"""Why dvc.lock moved: causes are named, consequences are not."""

import copy
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from realfake.reporting.dvc_lock_diff import how_to_drop_rounding, lock_moved, why_lock_moved

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
            "deps": [
                {"path": "outputs/prepared", "md5": "p0.dir"},
                {"path": "src/realfake/data/images.py", "md5": "x0"},
            ],
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
        stages["preprocess"]["deps"].append({"path": "src/realfake/data/images.py", "md5": digest})
        stages["train"]["deps"][1]["md5"] = digest
    assert why_lock_moved(before, moved, MACHINE) == "dvc.lock moved: src/realfake/data/images.py changed"


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


def git_in(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_a_state_is_compared_with_a_commit(tmp_path: Path) -> None:
    git = partial(git_in, tmp_path)
    file = tmp_path / "dvc.lock"
    git("init")
    git("commit", "--allow-empty", "-m", "nothing")
    file.write_text("stages:\n  train:\n    cmd: python src/train.py\n")
    assert lock_moved(tmp_path) is None, "none is committed"
    git("add", "dvc.lock")
    git("commit", "-m", "lock")
    assert lock_moved(tmp_path) is None
    file.write_text(file.read_text().replace("python", "python3"))
    git("commit", "-am", "another")
    assert lock_moved(tmp_path) is None
    assert lock_moved(tmp_path, "HEAD~1") == "dvc.lock moved: train runs another command"
    file.unlink()
    assert lock_moved(tmp_path, "HEAD~1") is None


def test_what_rounding_alone_changed_is_named_with_the_way_to_drop_it(tmp_path: Path, moved: dict[str, Any]) -> None:
    """And followed: the advice leaves a clean tree."""
    git, file = partial(git_in, tmp_path), tmp_path / "dvc.lock"

    def write(stages: dict[str, Any]) -> None:
        file.write_text(yaml.safe_dump({"stages": stages}))

    write(lock())
    scores = tmp_path / "outputs/evaluation/metrics.json"
    scores.parent.mkdir(parents=True)
    scores.write_text("{}")
    for words in (["init"], ["add", "--all"], ["commit", "-m", "results"]):
        git(*words)
    assert how_to_drop_rounding(tmp_path) is None, "nothing moved"
    write(moved)
    scores.write_text('{"accuracy": 0.9}')
    advice = how_to_drop_rounding(tmp_path)
    assert advice is not None
    assert "dvc.lock, outputs/evaluation/metrics.json" in advice
    assert "\n" not in advice
    git(*re.findall(r"`git (.*?)`", advice)[0].split())
    status = ["git", "status", "--porcelain"]
    assert subprocess.run(status, cwd=tmp_path, capture_output=True, check=True).stdout == b""

    moved["train"]["params"]["params.yaml"]["train"]["epochs"] = 3
    write(moved)
    assert how_to_drop_rounding(tmp_path) is None, "the results of another training are worth a commit"
