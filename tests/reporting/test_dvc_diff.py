"""The base of a comparison is found, and DVC's differences are read, in a real repository of git and DVC."""

import json
import re
from pathlib import Path

import pytest
from checkouts import keep_state_here
from toy_pipeline import git, toy_pipeline, train

from realfake.core.errors import UserError
from realfake.reporting.dvc_diff import Base, find_base, read_curves, read_differences, write_plots_page


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A repository with three empty commits on main."""
    project = tmp_path / "history"
    project.mkdir()
    git(project, "init", "--quiet")
    for number in range(3):
        git(project, "commit", "--quiet", "--allow-empty", "--message", str(number))
    return project


def test_a_branch_is_compared_with_main_and_main_with_the_commit_before(history: Path) -> None:
    assert find_base(history) == Base("HEAD~1", git(history, "rev-parse", "HEAD~1"))
    git(history, "checkout", "--quiet", "-b", "topic")
    git(history, "commit", "--quiet", "--allow-empty", "--message", "mine")
    assert find_base(history) == Base("main", git(history, "rev-parse", "main"))
    assert find_base(history, "HEAD~2") == Base("HEAD~2", git(history, "rev-parse", "HEAD~2"))


def test_a_clone_without_a_branch_main_is_compared_with_origin_main(history: Path, tmp_path: Path) -> None:
    """A pull request is checked out as a commit, without a branch."""
    git(tmp_path, "clone", "--quiet", str(history), "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "--quiet", "--detach")
    git(clone, "branch", "--quiet", "-D", "main")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "merged")
    assert find_base(clone) == Base("origin/main", git(history, "rev-parse", "HEAD"))


def test_the_results_of_a_commit_are_those_of_its_retraining_if_the_inputs_are_the_same(history: Path) -> None:
    """CI retrains main without a commit to main; a change is compared with the results of this retraining."""
    (history / "params.yaml").write_text("epochs: 1")
    (history / "metrics.json").write_text("committed long ago")
    git(history, "add", ".")
    git(history, "commit", "--quiet", "--message", "params")
    main = git(history, "rev-parse", "HEAD")
    (history / "metrics.json").write_text("as retrained")
    git(history, "update-ref", "refs/retrained", git(history, "stash", "create"))
    git(history, "commit", "--quiet", "--all", "--message", "of no matter to the pipeline")
    found = find_base(history)
    assert found == Base("HEAD~1", main, git(history, "rev-parse", "refs/retrained"))
    assert found.state != main
    (history / "params.yaml").write_text("epochs: 2")
    git(history, "commit", "--quiet", "--all", "--message", "other params")
    assert find_base(history, "HEAD") == Base("HEAD", git(history, "rev-parse", "HEAD"))


def test_the_first_commit_has_no_base(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UserError, match="no commit to compare with"):
        find_base(tmp_path)
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "first")
    assert find_base(tmp_path) is None


def test_an_unknown_revision_is_a_one_line_error(history: Path) -> None:
    for name in ("elsewhere", "--all"):
        with pytest.raises(UserError, match=f"{name} is no revision") as caught:
            find_base(history, name)
        assert "\n" not in str(caught.value)


def test_in_a_shallow_clone_the_error_has_the_command_that_fetches_the_rest(history: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", history.as_uri(), "shallow")
    for name in (None, "HEAD~1", "v1"):
        with pytest.raises(UserError, match=r"shallow clone; `git fetch"):
            find_base(tmp_path / "shallow", name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC project whose stage has run with two epochs, committed, and then with four. Tests must not change it."""
    project = toy_pipeline(tmp_path_factory.mktemp("changes") / "project")
    train(project, epochs=4)
    return project


@pytest.mark.slow
def test_params_and_metrics_are_compared_by_dvc(project: Path) -> None:
    base = find_base(project, "HEAD")
    assert base is not None
    assert read_differences(project, "params", base) == {
        "params.yaml": {"train.epochs": {"old": 2, "new": 4, "diff": 2}}
    }
    accuracy = {"accuracy": {"old": 0.75, "new": 0.9375, "diff": 0.1875}}
    assert read_differences(project, "metrics", base)["outputs/evaluation/metrics.json"] == accuracy
    found = read_differences(project, "metrics", base, everything=True)["outputs/evaluation/metrics.json"]
    assert (found["accuracy"], found["pictures"]) == (accuracy["accuracy"], {"old": 9, "new": 9, "diff": 0})


@pytest.mark.slow
def test_learning_curves_are_read_of_both_states(project: Path, tmp_path: Path) -> None:
    base = find_base(project, "HEAD")
    assert base is not None
    assert read_curves(project, base) == ([0.5, 0.75], [0.5, 0.75, 0.875, 0.9375])
    write_plots_page(project, base, tmp_path / "plots")
    page = (tmp_path / "plots/index.html").read_text()
    assert set(re.findall(r'"rev": ?"(.*?)"', page)) == {"workspace", "HEAD"}


@pytest.mark.slow
def test_a_commit_without_files_has_no_old_values(project: Path, tmp_path: Path) -> None:
    base = find_base(project, "HEAD~1")
    assert base is not None
    params = read_differences(project, "params", base)["params.yaml"]
    assert params["train.epochs"] == {"old": None, "new": 4}
    found = read_differences(project, "metrics", base, everything=True)
    assert found["outputs/evaluation/metrics.json"]["accuracy"] == {"old": None, "new": 0.9375}
    assert read_curves(project, base) == ([], [0.5, 0.75, 0.875, 0.9375])
    write_plots_page(project, None, tmp_path / "plots")
    assert (tmp_path / "plots/index.html").is_file()


@pytest.mark.slow
def test_a_learning_curve_without_a_copy_in_dvc_is_empty(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project), "clone")
    clone = tmp_path / "clone"
    keep_state_here(clone)
    train(clone, epochs=3)
    base = find_base(clone, "HEAD")
    assert base is not None
    assert read_curves(clone, base) == ([], [0.5, 0.75, 0.875])


@pytest.mark.slow
def test_an_error_of_dvc_is_one_line(project: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    git(tmp_path, "clone", "--quiet", str(project), "broken")
    (broken / "dvc.yaml").write_text(json.dumps({"stages": 3}))
    base = find_base(broken, "HEAD")
    assert base is not None
    with pytest.raises(UserError, match=r"`dvc metrics diff .*` failed: ") as caught:
        read_differences(broken, "metrics", base)
    assert "\n" not in str(caught.value)
