"""Every run says what code and what machine it came from."""

import subprocess

from realfake.core.environment import git_state, machine


def git(folder, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_commit_and_whether_code_or_params_changed(project):
    assert git_state()["git_commit"] == "none"
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    assert git_state()["git_commit"] == git(project, "rev-parse", "HEAD")
    assert git_state()["git_dirty"] == "false"
    (project / "dvc.lock").write_text("written by the pipeline itself")
    assert git_state()["git_dirty"] == "false"
    (project / "params.yaml").write_text("changed")
    assert git_state()["git_dirty"] == "true"


def test_the_machine_is_described():
    tags = machine()
    assert int(tags["threads"]) >= 1
    assert tags["keras"].startswith("3.")
    assert tags["instruction_set"]
