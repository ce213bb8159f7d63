"""The command that sets parameters: what it answers, by exit code and message."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import environment
from conftest import PROJECT


@pytest.fixture
def params(project: Path) -> Path:
    """A params.yaml of its own: the quick recipe."""
    return Path(shutil.copy(PROJECT / "recipes/quick.yaml", project / "params.yaml"))


def override(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "src/override.py"), *words]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


def test_a_value_is_set_in_its_one_line(params: Path) -> None:
    before = params.read_text().splitlines()
    done = override("train.epochs=3")
    assert done.returncode == 0
    assert "train.epochs" in done.stdout
    changed = [(old, new) for old, new in zip(before, params.read_text().splitlines(), strict=True) if old != new]
    assert [new.split() for _, new in changed] == [["epochs:", "3"]]


def test_without_a_value_it_shows_how_to_give_one(params: Path) -> None:
    done = override()
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_workflow_may_hand_over_nothing(params: Path) -> None:
    """retrain.yml gives what the person who started it wrote, which may be empty."""
    before = params.read_bytes()
    assert override("--", "").returncode == 0
    assert params.read_bytes() == before


def test_a_wrong_name_is_one_line_and_changes_nothing(params: Path) -> None:
    before = params.read_bytes()
    done = override("train.dropout=0.5", "train.epoch=3")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "train.epoch" in done.stderr
    assert params.read_bytes() == before
