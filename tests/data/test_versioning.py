"""data/ and data.dvc change together or not at all."""

from pathlib import Path

import pytest
from archives import write_folder
from fetching import plain, project, state, template  # noqa: F401 - fixtures

from realfake.core.errors import UserError
from realfake.data.versioning import bring_back, data_set_aside, require_versioned


def test_a_replacement_that_was_killed_is_undone(plain: Path) -> None:
    before = state(plain)
    for finished in (False, True):
        aside = data_set_aside(plain)
        aside.__enter__()
        if finished:
            write_folder(plain / "data", {"new.zip": b"new"})
            (plain / "data.dvc").write_text("new")
        bring_back(plain)
        assert state(plain) == before
    assert not list((plain / ".cache/fetch").iterdir())


def test_a_replacement_that_fails_is_undone(plain: Path) -> None:
    before = state(plain)
    with pytest.raises(KeyboardInterrupt), data_set_aside(plain):
        (plain / "data.dvc").write_text("new")
        raise KeyboardInterrupt
    assert state(plain) == before


@pytest.mark.slow
def test_pictures_that_dvc_does_not_know_are_not_thrown_away(project: Path) -> None:
    require_versioned(project)
    (project / "data/mine.jpg").write_bytes(b"mine")
    with pytest.raises(UserError, match="dvc add data"):
        require_versioned(project)
