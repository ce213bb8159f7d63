"""`src/report.py` reports a real comparison by git and DVC."""

import re
import shutil
from pathlib import Path

import pytest
from checkouts import run, succeed
from conftest import PROJECT
from toy_pipeline import git, toy_pipeline, train

from realfake.reporting.dvc_diff import Base, find_base

REPORT = f"python {PROJECT / 'src/report.py'}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real project of git and DVC, committed."""
    return toy_pipeline(tmp_path_factory.mktemp("report") / "project")


@pytest.fixture
def copied(project: Path, tmp_path: Path) -> Path:
    """A copy of the project on a branch of its own, which tests may change."""
    copy = shutil.copytree(project, tmp_path / "copied")
    git(copy, "checkout", "--quiet", "-b", "topic")
    return copy


@pytest.mark.slow
def test_params_scores_curves_and_causes_are_reported(copied: Path) -> None:
    train(copied, epochs=3)
    git(copied, "commit", "--quiet", "--all", "--message", "more epochs")
    page = succeed(copied, f"{REPORT} --plots plots --output new/page.md") + (copied / "new/page.md").read_text()
    main = git(copied, "rev-parse", "--short=7", "main")
    assert page.startswith(f"## Accuracy 87.50%, +12.50 points\n\nCompared with `main` (`{main}`).")
    assert "| test score, 95 % interval | main | now | change |" in page
    assert "| accuracy | 75.00% (65.00% to 85.00%) | 87.50% (77.50% to 97.50%) | +12.50 points |" in page
    assert "| ROC-AUC | 0.7500 (0.6500 to 0.8500) | 0.7500 (0.6500 to 0.8500) | same |" in page
    assert "may be chance" not in page
    assert "| `train.epochs` | `2` | `3` |" in page
    assert "**dvc.lock changed**: train.epochs 2 -> 3" in page
    assert re.findall(r"line \[(.*)\]", page) == ["0.5000, 0.7500", "0.5000, 0.7500, 0.8750"]
    assert "Grey: `main`. Blue: now." in page
    assert (copied / "plots/index.html").is_file()


@pytest.mark.slow
def test_without_a_difference_the_report_says_so_in_one_line(copied: Path) -> None:
    git(copied, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    page = succeed(copied, REPORT)
    assert page.startswith("## Accuracy 75.00%, same\n")
    assert "\n\nNothing differs from `main`: the same parameters, the same scores, the same dvc.lock.\n\n" in page
    assert "mermaid" not in page


@pytest.mark.slow
def test_a_base_without_files_has_no_old_values(copied: Path) -> None:
    base = find_base(copied, "main~1")
    assert isinstance(base, Base)
    page = succeed(copied, f"{REPORT} --base main~1")
    assert page.startswith("## Accuracy 75.00%\n")
    assert "| accuracy | – | 75.00% (65.00% to 85.00%) | – |" in page
    assert "| `train.epochs` | – | `2` |" in page
    assert "The curve of `main~1` is missing" in page


@pytest.mark.slow
def test_a_shallow_clone_is_a_one_line_error(copied: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", copied.as_uri(), "shallow")
    done = run(tmp_path / "shallow", REPORT)
    assert done.returncode == 1
    assert re.fullmatch(r"error: HEAD~1 .*shallow clone; `git fetch .*\n", done.stderr)
