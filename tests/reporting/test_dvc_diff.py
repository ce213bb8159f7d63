"""The commit that a state is compared with, and what DVC says differs: in a real repository of git and DVC."""

import json
import re
from pathlib import Path

import pytest
from checkouts import keep_state_here
from toy_pipeline import git, toy_pipeline, train

from realfake.core.errors import UserError
from realfake.reporting.dvc_diff import Base, base_of, curves, differences, plots_page


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A repository of three empty commits on main."""
    project = tmp_path / "history"
    project.mkdir()
    git(project, "init", "--quiet")
    for number in range(3):
        git(project, "commit", "--quiet", "--allow-empty", "--message", str(number))
    return project


def test_a_branch_is_compared_with_main_and_main_with_the_commit_before(history: Path) -> None:
    assert base_of(history) == Base("HEAD~1", git(history, "rev-parse", "HEAD~1"))
    git(history, "checkout", "--quiet", "-b", "topic")
    git(history, "commit", "--quiet", "--allow-empty", "--message", "mine")
    assert base_of(history) == Base("main", git(history, "rev-parse", "main"))
    assert base_of(history, "HEAD~2") == Base("HEAD~2", git(history, "rev-parse", "HEAD~2"))


def test_in_a_clone_main_may_be_the_remotes(history: Path, tmp_path: Path) -> None:
    """A pull request is checked out as a commit, without a branch."""
    git(tmp_path, "clone", "--quiet", str(history), "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "--quiet", "--detach")
    git(clone, "branch", "--quiet", "-D", "main")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "merged")
    assert base_of(clone) == Base("origin/main", git(history, "rev-parse", "HEAD"))


def test_a_retraining_stands_for_the_commit_with_the_same_inputs(history: Path) -> None:
    """What CI computed of main is in no commit of main: its results are those that a change is compared with."""
    (history / "params.yaml").write_text("epochs: 1")
    (history / "metrics.json").write_text("committed long ago")
    git(history, "add", ".")
    git(history, "commit", "--quiet", "--message", "params")
    main = git(history, "rev-parse", "HEAD")
    (history / "metrics.json").write_text("as retrained")
    git(history, "update-ref", "refs/retrained", git(history, "stash", "create"))
    git(history, "commit", "--quiet", "--all", "--message", "of no matter to the pipeline")
    found = base_of(history)
    assert found == Base("HEAD~1", main, git(history, "rev-parse", "refs/retrained"))
    assert found.state != main
    (history / "params.yaml").write_text("epochs: 2")
    git(history, "commit", "--quiet", "--all", "--message", "other params")
    assert base_of(history, "HEAD") == Base("HEAD", git(history, "rev-parse", "HEAD"))


def test_nothing_comes_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UserError, match="no commit to compare with"):
        base_of(tmp_path)
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "first")
    assert base_of(tmp_path) is None


def test_a_revision_that_is_not_there_is_one_line(history: Path) -> None:
    for name in ("elsewhere", "--all"):
        with pytest.raises(UserError, match=f"{name} is no revision of this repository") as caught:
            base_of(history, name)
        assert "\n" not in str(caught.value)


def test_a_shallow_clone_says_what_brings_the_rest(history: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", history.as_uri(), "shallow")
    for name in (None, "HEAD~1", "v1"):
        with pytest.raises(UserError, match=r"is not in this shallow clone; `git fetch --depth=100 origin`"):
            base_of(tmp_path / "shallow", name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC project whose stage has run with two epochs, committed, and then with four; for reading only."""
    project = toy_pipeline(tmp_path_factory.mktemp("changes") / "project")
    train(project, epochs=4)
    return project


@pytest.mark.slow
def test_params_and_metrics_are_compared_by_dvc(project: Path) -> None:
    base = base_of(project, "HEAD")
    assert base is not None
    assert differences(project, "params", base) == {"params.yaml": {"train.epochs": {"old": 2, "new": 4, "diff": 2}}}
    accuracy = {"accuracy": {"old": 0.75, "new": 0.9375, "diff": 0.1875}}
    assert differences(project, "metrics", base)["outputs/evaluation/metrics.json"] == accuracy
    found = differences(project, "metrics", base, everything=True)["outputs/evaluation/metrics.json"]
    assert (found["accuracy"], found["pictures"]) == (accuracy["accuracy"], {"old": 9, "new": 9, "diff": 0})


@pytest.mark.slow
def test_curves_are_those_of_both_states(project: Path, tmp_path: Path) -> None:
    base = base_of(project, "HEAD")
    assert base is not None
    assert curves(project, base) == ([0.5, 0.75], [0.5, 0.75, 0.875, 0.9375])
    plots_page(project, base, tmp_path / "plots")
    page = (tmp_path / "plots/index.html").read_text()
    assert set(re.findall(r'"rev": ?"(.*?)"', page)) == {"workspace", "HEAD"}


@pytest.mark.slow
def test_a_commit_before_all_files_has_no_old_values(project: Path, tmp_path: Path) -> None:
    base = base_of(project, "HEAD~1")
    assert base is not None
    params = differences(project, "params", base)["params.yaml"]
    assert params["train.epochs"] == {"old": None, "new": 4}
    found = differences(project, "metrics", base, everything=True)
    assert found["outputs/evaluation/metrics.json"]["accuracy"] == {"old": None, "new": 0.9375}
    assert curves(project, base) == ([], [0.5, 0.75, 0.875, 0.9375])
    plots_page(project, None, tmp_path / "plots")
    assert (tmp_path / "plots/index.html").is_file()


@pytest.mark.slow
def test_a_curve_that_dvc_has_no_copy_of_is_left_out(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project), "clone")
    clone = tmp_path / "clone"
    keep_state_here(clone)
    train(clone, epochs=3)
    base = base_of(clone, "HEAD")
    assert base is not None
    assert curves(clone, base) == ([], [0.5, 0.75, 0.875])


@pytest.mark.slow
def test_what_dvc_refuses_is_one_line(project: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    git(tmp_path, "clone", "--quiet", str(project), "broken")
    (broken / "dvc.yaml").write_text(json.dumps({"stages": 3}))
    base = base_of(broken, "HEAD")
    assert base is not None
    with pytest.raises(UserError, match=r"`dvc metrics diff .*` failed: ") as caught:
        differences(broken, "metrics", base)
    assert "\n" not in str(caught.value)
