"""The report of a pull request: what a reviewer reads first, and what it says when there is little to say."""

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from checkouts import run, succeed
from conftest import PROJECT
from toy_pipeline import git, toy_pipeline, train

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import write_json
from realfake.reporting.dvc_diff import Base, base_of
from report import Score, headline, report

REPORT = f"python {PROJECT / 'src/report.py'}"


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that has run and has nothing before it: the small files, without git and DVC."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    for name, accuracy in (("metrics", 0.94), ("ci_low", 0.9165), ("ci_high", 0.96), ("cleaned", 0.93)):
        scores = {"accuracy": accuracy, "fake_recall": accuracy, "recall": accuracy, "roc_auc": None, "ece": 0.036}
        write_json(tmp_path / f"outputs/evaluation/{name}.json", scores)
    write_json(tmp_path / "outputs/evaluation/robust.json", {"accuracy": 0.81, "ece": 0.05, "blur": 0.7})
    quality = {"bytes": 1_100_000, "accuracy": 0.93, "agreement": 1.0, "max_difference": 0.0}
    write_json(tmp_path / "outputs/export/formats.json", {"pictures": 1000, "formats": {"onnx": quality}})
    model = tmp_path / "outputs/model/model.keras"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    link = {"run_id": "0" * 32, "name": "resnet20-8ep", "experiment": "realfake"}
    write_json(tmp_path / f".cache/runs/{sha256_file(model)}.json", link)
    return tmp_path


def test_a_first_commit_has_scores_formats_and_run(first: Path) -> None:
    page = report(first, None)
    assert page.startswith(
        "## Accuracy 94.00%\n\nMLflow run **resnet20-8ep** (`" + "0" * 32 + "`) in experiment realfake"
    )
    assert "| accuracy | 94.00% (91.65% to 96.00%) |" in page
    assert "| ROC-AUC | – |" in page
    assert "| FAKE called FAKE |" in page
    assert "| accuracy, pictures of train left out | 93.00% |" in page
    assert "| accuracy, damaged pictures | 81.00% |" in page
    assert "| calibration error, damaged pictures | 0.0500 |" in page
    assert "| calibration error | 0.0360 (0.0360 to 0.0360) |" in page
    assert "Nothing came before" in page
    assert "| onnx | 1.10 | - |" in page
    assert "on 1,000 test pictures. Their speed was not measured here." in page


def test_a_verdict_is_shown_if_it_is_on_this_model(first: Path) -> None:
    assert "### Promotion\n\nNot run (`python src/promote.py` asks the gate)." in report(first, None)
    verdict = first / "outputs/promotion/verdict.md"
    verdict.parent.mkdir()
    verdict.write_text("**promoted**: version 2\n")
    assert "### Promotion\n\n**promoted**: version 2\n\n" in report(first, None)
    assert "### Promotion, rehearsed on a copy of the registry\n\n**promoted**" in report(first, None, rehearsal=True)
    hour_ago = time.time() - 3600
    os.utime(verdict, (hour_ago, hour_ago))
    assert "### Promotion\n\nNot run" in report(first, None, rehearsal=True)


def test_a_model_that_no_run_is_known_of_and_a_missing_one_are_no_error(first: Path) -> None:
    (first / "outputs/model/model.keras").write_bytes(b"others")
    assert "MLflow" not in report(first, None)
    shutil.rmtree(first / "outputs/model")
    assert "MLflow" not in report(first, None)


@pytest.mark.parametrize("name", ["evaluation/ci_low", "export/formats"])
def test_a_stage_that_has_not_run_is_one_line(first: Path, name: str) -> None:
    (first / f"outputs/{name}.json").unlink()
    with pytest.raises(UserError, match=r"\.json is missing; `dvc repro.*` makes it"):
        report(first, None)


def test_a_score_lies_in_an_interval_or_not() -> None:
    interval = Score(0.9, 0.8, 0.95)
    assert interval.holds(Score(0.8))
    assert not interval.holds(Score(0.96))
    assert not interval.holds(Score(None))
    assert not Score(0.9).holds(interval)


def test_a_difference_that_may_be_chance_is_said_to_be(first: Path) -> None:
    base = Base("main", "abcdef0" * 5)
    was = {"accuracy": Score(0.93, 0.91, 0.95), "recall": Score(None)}
    for value, sure in ((0.945, False), (0.96, True)):
        now = {"accuracy": Score(value, 0.92, 0.97), "recall": Score(0.9)}
        page = "\n\n".join(headline(first, base, was, now))
        assert page.startswith(
            f"## Accuracy {value:.2%}, {100 * (value - 0.93):+.2f} points\n\nCompared with `main` (`abcdef0`)"
        )
        assert "| REAL called REAL | – | 90.00% | – |" in page
        assert ("may be chance" not in page) is sure


def test_results_of_a_retraining_are_said_to_be_such(first: Path) -> None:
    base = Base("main", "abcdef0" * 5, retrained="1234567" * 5)
    page = "\n".join(headline(first, base, {"accuracy": Score(0.9)}, {"accuracy": Score(0.9)}))
    assert page.startswith(
        "## Accuracy 90.00%, same\nCompared with `main` (`abcdef0`) as it was last retrained. MLflow run"
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real project of git and DVC, committed."""
    return toy_pipeline(tmp_path_factory.mktemp("report") / "project")


@pytest.fixture
def copied(project: Path, tmp_path: Path) -> Path:
    """A copy of it on a branch of its own, to be changed."""
    copy = shutil.copytree(project, tmp_path / "copied")
    git(copy, "checkout", "--quiet", "-b", "topic")
    return copy


@pytest.mark.slow
def test_params_scores_curves_and_causes_are_told(copied: Path) -> None:
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
    assert "**dvc.lock moved**: train.epochs 2 -> 3" in page
    assert re.findall(r"line \[(.*)\]", page) == ["0.5000, 0.7500", "0.5000, 0.7500, 0.8750"]
    assert "Grey: `main`. Blue: now." in page
    assert (copied / "plots/index.html").is_file()


@pytest.mark.slow
def test_no_difference_is_one_line(copied: Path) -> None:
    git(copied, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    page = succeed(copied, REPORT)
    assert page.startswith("## Accuracy 75.00%, same\n")
    assert "\n\nNothing differs from `main`: the same parameters, the same scores, the same dvc.lock.\n\n" in page
    assert "mermaid" not in page


@pytest.mark.slow
def test_a_base_without_files_is_a_new_beginning(copied: Path) -> None:
    base = base_of(copied, "main~1")
    assert isinstance(base, Base)
    page = succeed(copied, f"{REPORT} --base main~1")
    assert page.startswith("## Accuracy 75.00%\n")
    assert "| accuracy | – | 75.00% (65.00% to 85.00%) | – |" in page
    assert "| `train.epochs` | – | `2` |" in page
    assert "The curve of `main~1` is in no DVC cache" in page


@pytest.mark.slow
def test_a_shallow_clone_is_one_line(copied: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", copied.as_uri(), "shallow")
    done = run(tmp_path / "shallow", REPORT)
    assert done.returncode == 1
    assert done.stderr == (
        "error: HEAD~1 is not in this shallow clone; `git fetch --depth=100 origin` brings more of it\n"
    )
