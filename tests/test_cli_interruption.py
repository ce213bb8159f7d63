"""Kills and Ctrl-C: the same command goes on from the last finished epoch, in the same run, to the same bytes."""

import os
import signal
from pathlib import Path

import pytest
from checkouts import change, checkpoints, clone, epochs, runs, start, steps, store, succeed, tree, wait_for

pytestmark = pytest.mark.slow


def train_pid(project: Path) -> int | None:
    """The process that holds the lock of train, or held it last."""
    holder = project / ".cache/locks/train.pid"
    return int(holder.read_text() or 0) if holder.is_file() else None


def test_a_second_clone_that_was_killed_ends_with_the_first_ones_bytes(finished: Path, tmp_path: Path) -> None:
    project = clone(finished, tmp_path / "second")
    dvc = start(project, "dvc repro", tmp_path / "killed.txt")
    wait_for(lambda: checkpoints(project), dvc)
    os.kill(dvc.pid, signal.SIGKILL)
    os.kill(train_pid(project) or 0, signal.SIGKILL)
    dvc.wait()
    assert not (project / "outputs/model").exists()
    assert [run.info.status for run in runs(project)] == ["RUNNING"]

    trained = epochs(succeed(project, "dvc repro"))
    assert trained == list(range(trained[0], 9))
    assert trained[0] >= 2
    assert tree(project / "outputs/model") == tree(finished / "outputs/model")
    assert succeed(project, "git status --porcelain") == ""  # dvc.lock and the metrics are as the first clone's
    (run,) = runs(project)
    assert (run.info.status, steps(project, run)) == ("FINISHED", [1, 2, 3, 4, 5, 6, 7, 8])


def test_a_stage_that_outlives_its_dvc_is_waited_for(copied: Path, tmp_path: Path) -> None:
    change(copied, "train", seed=1)
    (copied / ".cache/locks/train.pid").unlink()
    first = start(copied, "dvc repro train", tmp_path / "first.txt")
    pid = wait_for(lambda: train_pid(copied), first)
    os.kill(pid, signal.SIGSTOP)  # so that it is still there when the second comes
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = start(copied, "dvc repro train", tmp_path / "second.txt")
    waiting = f"train already runs here (process {pid}); waiting for it to end\n"
    try:
        wait_for(lambda: waiting in (tmp_path / "second.txt").read_text(), second)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert second.wait() == 0
    assert epochs((tmp_path / "first.txt").read_text()) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert epochs((tmp_path / "second.txt").read_text()) == []
    new, _ = runs(copied)
    assert (new.info.status, new.data.params["train.seed"], len(runs(copied))) == ("FINISHED", "1", 2)
    assert len(new.inputs.dataset_inputs) == 1
    assert len(store(copied).search_logged_models([new.info.experiment_id])) == 2
    assert "up to date" in succeed(copied, "dvc status train")


def test_an_interrupted_training_says_so_and_goes_on(copied: Path, tmp_path: Path) -> None:
    change(copied, "train", seed=2)
    before, known = tree(copied / "outputs"), checkpoints(copied)
    train = start(copied, "python src/train.py", tmp_path / "interrupted.txt")
    wait_for(lambda: checkpoints(copied) - known, train)
    train.send_signal(signal.SIGINT)
    assert train.wait() == 130
    *shown, last = (tmp_path / "interrupted.txt").read_text().splitlines()
    assert last == "interrupted; the same command goes on from here"
    assert not [line for line in shown if line and not line.startswith(("resnet8x4", "epoch"))]
    assert tree(copied / "outputs") == before
    assert [run.info.status for run in runs(copied)] == ["KILLED", "FINISHED"]

    trained = epochs(succeed(copied, "python src/train.py"))
    assert trained == list(range(trained[0], 9))
    assert trained[0] >= 2
    assert [run.info.status for run in runs(copied)] == ["FINISHED", "FINISHED"]
