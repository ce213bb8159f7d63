"""The newest trusted state of a retraining is restored, and never over existing runs."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from workflows import FAKE_GH

from realfake.core.errors import UserError
from realfake.tracking.restoration import newest_trusted_run, restore


def artifact(run: int, expired: bool = False, **source: Any) -> dict[str, Any]:
    """Return an artifact of a run of main as GitHub lists it."""
    workflow_run = {"id": run, "head_branch": "main", "head_repository_id": 1, "repository_id": 1}
    return {"expired": expired, "workflow_run": workflow_run | source}


def test_the_newest_of_main_is_taken() -> None:
    assert newest_trusted_run([artifact(2), artifact(9), artifact(3)]) == 9
    assert newest_trusted_run([]) is None


def test_expired_artifacts_other_branches_and_forks_are_not() -> None:
    untrusted = [artifact(9, expired=True), artifact(8, head_branch="topic"), artifact(7, head_repository_id=2)]
    assert newest_trusted_run([*untrusted, artifact(2)]) == 2
    assert newest_trusted_run(untrusted) is None


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of GitHub, and a `gh` on PATH that reads it."""
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_GH}" "$@"\n')
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(gh.parent), prepend=os.pathsep)
    monkeypatch.setenv("FAKE_GITHUB", str(tmp_path / "server"))
    return tmp_path / "server"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone: the placeholder in mlruns/ and no runs."""
    (tmp_path / "clone/mlruns").mkdir(parents=True)
    (tmp_path / "clone/mlruns/.gitkeep").touch()
    return tmp_path / "clone"


def test_a_state_is_restored_with_its_hidden_files(server: Path, clone: Path) -> None:
    assert not restore(clone)
    for run, content in ((1, "old"), (2, "new")):
        state = server / f"artifacts/{run}/state"
        for name in ("mlflow.db", "mlruns/.gitkeep", ".dvc/cache/files/md5/aa/bb"):
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text(content)
        (state.parent / "branch").write_text("main")
    assert restore(clone)
    assert (clone / "mlflow.db").read_text() == "new"
    assert (clone / ".dvc/cache/files/md5/aa/bb").read_text() == "new"


def test_existing_runs_are_not_replaced(server: Path, clone: Path) -> None:
    (clone / "mlflow.db").touch()
    with pytest.raises(UserError, match=r"mlflow\.db"):
        restore(clone)


def test_a_github_that_does_not_answer_is_an_error(
    server: Path, clone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the restored champion any candidate would pass the gate."""
    (tmp_path / "bin/gh").write_text("#!/bin/sh\necho 'HTTP 502' >&2\nexit 1\n")
    with pytest.raises(UserError, match=r"gh api .*HTTP 502"):
        restore(clone)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=r"^gh "):
        restore(clone)
