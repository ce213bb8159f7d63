"""A recipe is taken whole and valid or not at all; edits are not lost without --force."""

import shutil
import subprocess
from pathlib import Path

import pytest

from realfake.config.recipes import use_recipe
from realfake.core.errors import UserError

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this one's recipes and params.yaml, without git."""
    shutil.copytree(PROJECT / "recipes", tmp_path / "recipes")
    shutil.copy(PROJECT / "recipes/quick.yaml", tmp_path / "params.yaml")
    return tmp_path


def text(folder: Path) -> str:
    return (folder / "params.yaml").read_text()


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_params_become_the_recipe(project: Path) -> None:
    use_recipe("deck", project)
    assert text(project) == (project / "recipes/deck.yaml").read_text()
    (project / "params.yaml").unlink()
    use_recipe("quick", project)
    assert text(project) == (project / "recipes/quick.yaml").read_text()


def test_unknown_recipe_names_the_nearest_and_all(project: Path) -> None:
    with pytest.raises(UserError, match=r"'dek'.*did you mean deck\?.*: deck, .*quick") as caught:
        use_recipe("dek", project)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r": deck, .*quick"):
        use_recipe("", project)
    with pytest.raises(UserError, match=r"'\.\./recipes/quick'"):
        use_recipe("../recipes/quick", project)


def test_invalid_recipe_leaves_params_alone(project: Path) -> None:
    before = text(project)
    (project / "recipes/broken.yaml").write_text(before.replace("\n  epochs:", "\n  epoch:"))
    with pytest.raises(UserError, match=r"did you mean epochs\?"):
        use_recipe("broken", project)
    assert text(project) == before


def test_edits_kept_nowhere_else_are_not_lost(project: Path) -> None:
    edited = "# my own experiment\n" + text(project)
    (project / "params.yaml").write_text(edited)
    with pytest.raises(UserError, match=r"edits.*--force"):
        use_recipe("deck", project)
    assert text(project) == edited

    git(project, "init", "--quiet")
    git(project, "add", "params.yaml")
    with pytest.raises(UserError, match="--force"):
        use_recipe("deck", project)
    git(project, "commit", "--quiet", "-m", "mine")
    use_recipe("deck", project)

    (project / "params.yaml").write_text(edited + "# and more\n")
    use_recipe("quick", project, force=True)
    assert text(project) == (project / "recipes/quick.yaml").read_text()
