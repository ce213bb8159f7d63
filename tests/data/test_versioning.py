"""data/ and data.dvc are changed together, or both are left as they were."""

import subprocess
import sys
from pathlib import Path

import pytest
from archives import write_folder
from fetching import plain, project, state, template  # noqa: F401 - fixtures

from realfake.core.errors import UserError
from realfake.data.versioning import data_set_aside, remove_unreferenced, require_versioned, restore_data


def test_a_killed_replacement_is_undone(plain: Path) -> None:
    before = state(plain)
    for finished in (False, True):
        aside = data_set_aside(plain)
        aside.__enter__()
        if finished:
            write_folder(plain / "data", {"new.zip": b"new"})
            (plain / "data.dvc").write_text("new")
        restore_data(plain)
        assert state(plain) == before
    assert not list((plain / ".cache/fetch").iterdir())


def test_a_failed_replacement_is_undone(plain: Path) -> None:
    before = state(plain)
    with pytest.raises(KeyboardInterrupt), data_set_aside(plain):
        (plain / "data.dvc").write_text("new")
        raise KeyboardInterrupt
    assert state(plain) == before


@pytest.mark.slow
def test_pictures_without_a_copy_in_dvc_are_not_replaced(project: Path) -> None:
    require_versioned(project)
    (project / "data/mine.jpg").write_bytes(b"mine")
    with pytest.raises(UserError, match="dvc add data"):
        require_versioned(project)


@pytest.mark.slow
def test_data_of_every_commit_is_kept_in_the_dvc_cache(tmp_path: Path) -> None:
    def command(*words: str) -> None:
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)

    def add(text: str) -> None:
        (tmp_path / "data.txt").write_text(text)
        command(sys.executable, "-m", "dvc", "add", "--quiet", "data.txt")

    command("git", "init", "--quiet")
    command(sys.executable, "-m", "dvc", "init", "--quiet")
    for text in ("committed once", "committed last"):
        add(text)
        command("git", "add", "--all")
        command("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", text)
    add("referred to by nothing")
    add("in the workspace")

    def cached() -> set[str]:
        return {path.read_text() for path in (tmp_path / ".dvc/cache/files").rglob("*") if path.is_file()}

    assert remove_unreferenced(tmp_path, dry_run=True) == len("referred to by nothing")
    assert "referred to by nothing" in cached()
    assert remove_unreferenced(tmp_path, dry_run=False) == len("referred to by nothing")
    assert cached() == {"committed once", "committed last", "in the workspace"}
