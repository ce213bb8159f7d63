"""The causes of a changed dvc.lock are named, and their consequences are not."""

import copy
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from realfake.reporting.dvc_lock_diff import describe_lock_change, explain_lock_change, explain_rounding_changes

MACHINE = "avx2, 2 threads"


def lock() -> dict[str, Any]:
    """Return the stages of a small dvc.lock, as DVC 3 writes them."""
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
    """The same stages with another model, as after any change."""
    now = copy.deepcopy(lock())
    now["train"]["outs"][0]["md5"] = "m1.dir"
    return now


def test_equal_locks_have_no_difference() -> None:
    assert describe_lock_change(lock(), lock(), MACHINE) is None


def test_params_are_named_with_both_values(moved: dict[str, Any]) -> None:
    moved["train"]["params"]["params.yaml"]["train"] = {"epochs": 3, "optimizer": {"name": "sgd"}}
    line = "dvc.lock changed: train.epochs 8 -> 3; train.optimizer.name adam -> sgd"
    assert describe_lock_change(lock(), moved, MACHINE) == line


def test_changed_files_are_named_but_not_their_consequences(moved: dict[str, Any]) -> None:
    moved["preprocess"]["deps"][0]["md5"] = "d1.dir"
    moved["preprocess"]["outs"][0]["md5"] = moved["train"]["deps"][0]["md5"] = "p1.dir"
    assert describe_lock_change(lock(), moved, MACHINE) == "dvc.lock changed: data changed"


def test_a_module_used_by_several_stages_is_named_once(moved: dict[str, Any]) -> None:
    before = lock()
    for stages, digest in ((before, "x0"), (moved, "x1")):
        stages["preprocess"]["deps"].append({"path": "src/realfake/data/images.py", "md5": digest})
        stages["train"]["deps"][1]["md5"] = digest
    assert describe_lock_change(before, moved, MACHINE) == "dvc.lock changed: src/realfake/data/images.py changed"


def test_other_bytes_from_the_same_inputs_are_due_to_the_machine(moved: dict[str, Any]) -> None:
    line = describe_lock_change(lock(), moved, MACHINE)
    assert line is not None
    assert line.startswith("dvc.lock changed: train ")
    assert "rounding" in line
    assert MACHINE in line


def test_new_stages_and_commands_are_named(moved: dict[str, Any]) -> None:
    moved["evaluate"] = moved.pop("train")
    moved["preprocess"]["cmd"] = "python3 src/preprocess.py"
    line = "dvc.lock changed: preprocess runs another command; stage evaluate is new; stage train is removed"
    assert describe_lock_change(lock(), moved, MACHINE) == line


def git_in(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_dvc_lock_is_compared_with_that_of_a_commit(tmp_path: Path) -> None:
    git = partial(git_in, tmp_path)
    file = tmp_path / "dvc.lock"
    git("init")
    git("commit", "--allow-empty", "-m", "nothing")
    file.write_text("stages:\n  train:\n    cmd: python src/train.py\n")
    assert explain_lock_change(tmp_path) is None, "none is committed"
    git("add", "dvc.lock")
    git("commit", "-m", "lock")
    assert explain_lock_change(tmp_path) is None
    file.write_text(file.read_text().replace("python", "python3"))
    git("commit", "-am", "another")
    assert explain_lock_change(tmp_path) is None
    assert explain_lock_change(tmp_path, "HEAD~1") == "dvc.lock changed: train runs another command"
    file.unlink()
    assert explain_lock_change(tmp_path, "HEAD~1") is None


def test_files_changed_only_by_rounding_are_restored_by_the_printed_command(
    tmp_path: Path, moved: dict[str, Any]
) -> None:
    git, file = partial(git_in, tmp_path), tmp_path / "dvc.lock"

    def write(stages: dict[str, Any]) -> None:
        file.write_text(yaml.safe_dump({"stages": stages}))

    write(lock())
    scores = tmp_path / "outputs/evaluation/metrics.json"
    scores.parent.mkdir(parents=True)
    scores.write_text("{}")
    for words in (["init"], ["add", "--all"], ["commit", "-m", "results"]):
        git(*words)
    assert explain_rounding_changes(tmp_path) is None, "nothing changed"
    write(moved)
    scores.write_text('{"accuracy": 0.9}')
    advice = explain_rounding_changes(tmp_path)
    assert advice is not None
    assert "dvc.lock, outputs/evaluation/metrics.json" in advice
    assert "\n" not in advice
    git(*re.findall(r"`git (.*?)`", advice)[0].split())
    status = ["git", "status", "--porcelain"]
    assert subprocess.run(status, cwd=tmp_path, capture_output=True, check=True).stdout == b""

    moved["train"]["params"]["params.yaml"]["train"]["epochs"] = 3
    write(moved)
    assert explain_rounding_changes(tmp_path) is None, "the parameters changed too"
