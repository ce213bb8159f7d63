"""git, DVC and gh are started as themselves, and say in one line what went wrong."""

from pathlib import Path

import pytest
from checkouts import git as run_git

from realfake.core.errors import UserError
from realfake.core.subprocesses import dvc, gh, git, git_or_none


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs, and the only one on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_git_says_what_it_finds_and_takes_variables(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_bytes(b"\xff\n")
    digest = git(tmp_path, "hash-object", "-w", "file").text.strip()
    assert git_or_none(tmp_path, "cat-file", "blob", digest) == b"\xff\n"
    assert git(tmp_path, "rev-parse", "--git-dir", GIT_DIR=str(tmp_path / ".git")).text.strip().endswith("/.git")


def test_what_git_refuses_is_one_line_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`git rev-parse HEAD` failed: not a git repository") as caught:
        git(tmp_path, "rev-parse", "HEAD", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert "\n" not in str(caught.value)
    assert git_or_none(tmp_path, "rev-parse", "HEAD", GIT_CEILING_DIRECTORIES=str(tmp_path.parent)) is None


@pytest.mark.slow
def test_dvc_says_its_reason_and_not_its_advice(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`dvc status` failed: you are not inside of a DVC repository") as caught:
        dvc(tmp_path, "status")
    assert "\n" not in str(caught.value)
    assert dvc(tmp_path, "--version").text.startswith("3.")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'HTTP 502' >&2; exit 1", "HTTP 502$"),
        ("printf 'warning: slow\\nerror: no such run\\n\\nsee https://x\\n' >&2; exit 1", "no such run$"),
        ("printf 'asking\\ngh: Not Found (HTTP 404)\\n' >&2; exit 1", r"gh: Not Found \(HTTP 404\)$"),
        ("exit 4", "exit code 4"),
    ],
)
def test_the_line_that_says_what_went_wrong_is_told(programs: Path, script: str, reason: str) -> None:
    program(programs, "gh", script)
    with pytest.raises(UserError, match=f"^`gh run view 1` failed: .*{reason}") as caught:
        gh(programs, "run", "view", "1")
    assert "\n" not in str(caught.value)


def test_a_program_that_is_not_installed_is_one_line(programs: Path) -> None:
    with pytest.raises(UserError, match="gh is not here; install"):
        gh(programs, "api", "user")
    with pytest.raises(UserError, match="git is not here; install"):
        git(programs, "status")
    assert git_or_none(programs, "status") is None
    program(programs, "gh", "echo found")
    assert gh(programs, "api", "user") == "found\n"
