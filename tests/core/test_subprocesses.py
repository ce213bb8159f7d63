"""git, DVC and gh are really started, and each failure is one line with its reason."""

from pathlib import Path

import pytest
from checkouts import git as run_git

from realfake.core.errors import UserError
from realfake.core.subprocesses import dvc, gh, git, git_or_none


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder for programs that is the only one on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    """Write an executable shell script."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_git_returns_its_output_and_takes_environment_variables(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_bytes(b"\xff\n")
    digest = git(tmp_path, "hash-object", "-w", "file").text.strip()
    assert git_or_none(tmp_path, "cat-file", "blob", digest) == b"\xff\n"
    assert git(tmp_path, "rev-parse", "--git-dir", GIT_DIR=str(tmp_path / ".git")).text.strip().endswith("/.git")


def test_a_failure_of_git_is_one_line_or_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`git rev-parse HEAD` failed: not a git repository") as caught:
        git(tmp_path, "rev-parse", "HEAD", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert "\n" not in str(caught.value)
    assert git_or_none(tmp_path, "rev-parse", "HEAD", GIT_CEILING_DIRECTORIES=str(tmp_path.parent)) is None


@pytest.mark.slow
def test_a_failure_of_dvc_gives_its_reason_without_advice(tmp_path: Path) -> None:
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
def test_the_error_has_the_line_that_names_the_reason(programs: Path, script: str, reason: str) -> None:
    program(programs, "gh", script)
    with pytest.raises(UserError, match=f"^`gh run view 1` failed: .*{reason}") as caught:
        gh(programs, "run", "view", "1")
    assert "\n" not in str(caught.value)


def test_a_program_that_is_not_installed_is_an_error_that_says_how_to_install_it(programs: Path) -> None:
    with pytest.raises(UserError, match=r"gh is not installed.*cli\.github\.com"):
        gh(programs, "api", "user")
    with pytest.raises(UserError, match=r"git is not installed.*git-scm\.com"):
        git(programs, "status")
    assert git_or_none(programs, "status") is None
    program(programs, "gh", "echo found")
    assert gh(programs, "api", "user") == "found\n"
