"""The report of a pull request has the accuracy first, then what changed, also where files or a base are missing."""

import os
import shutil
import time
from pathlib import Path

import pytest
from stage_files import evaluation_scores, export_results

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import write_json
from realfake.registry.checks import Check
from realfake.registry.verdict import VERDICT_FILE, Verdict
from realfake.reporting.dvc_diff import Base
from realfake.reporting.pull_request_report import headline, render_report
from realfake.reporting.score_changes import Score


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small files of a project whose pipeline has run, without git and DVC."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    evaluation_scores(accuracy=0.94, roc_auc=None, ece=0.036).write(tmp_path / "outputs/evaluation")
    export_results().write(tmp_path / "outputs/export")
    model = tmp_path / "outputs/model/model.keras"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    link = {"run_id": "0" * 32, "name": "resnet20-8ep", "experiment": "realfake"}
    write_json(tmp_path / f".cache/runs/{sha256_file(model)}.json", link)
    return tmp_path


def test_a_first_commit_has_scores_formats_and_run(first: Path) -> None:
    page = render_report(first, None)
    assert page.startswith(
        "## Accuracy 94.00%\n\nMLflow run **resnet20-8ep** (`" + "0" * 32 + "`) in experiment realfake"
    )
    assert "| accuracy | 94.00% (92.00% to 96.00%) |" in page
    assert "| ROC-AUC | – |" in page
    assert "| accuracy, pictures of train left out | 94.00% |" in page
    assert "| accuracy, damaged pictures | 80.00% |" in page
    assert "first commit" in page
    assert "| format | size MB | p50 ms |" in page
    assert "| onnx | 1.10 | - |" in page
    assert "1,000 test pictures. Their speed was not measured here." in page


def test_a_verdict_is_shown_only_if_it_is_on_this_model(first: Path) -> None:
    assert "### Promotion\n\nNot run" in render_report(first, None)
    folder = first / "outputs/promotion"
    folder.mkdir()
    Verdict("promoted", "**promoted**: version 2", (Check("export", "all", "6", True, "fine"),)).write(folder)
    assert "### Promotion\n\n**promoted**: version 2\n\n| check |" in render_report(first, None)
    assert "### Promotion, rehearsed on a copy of the registry\n\n**promoted**" in render_report(
        first, None, rehearsal=True
    )
    hour_ago = time.time() - 3600
    os.utime(folder / VERDICT_FILE, (hour_ago, hour_ago))
    assert "### Promotion\n\nNot run" in render_report(first, None, rehearsal=True)


def test_a_model_without_a_run_and_a_missing_model_are_no_error(first: Path) -> None:
    (first / "outputs/model/model.keras").write_bytes(b"others")
    assert "MLflow" not in render_report(first, None)
    shutil.rmtree(first / "outputs/model")
    assert "MLflow" not in render_report(first, None)


@pytest.mark.parametrize("name", ["evaluation/ci_low", "export/formats"])
def test_a_stage_that_has_not_run_is_a_one_line_error(first: Path, name: str) -> None:
    (first / f"outputs/{name}.json").unlink()
    with pytest.raises(UserError, match=r"\.json is missing; `dvc repro"):
        render_report(first, None)


def test_the_report_says_whether_a_difference_may_be_chance(first: Path) -> None:
    base = Base("main", "abcdef0" * 5)
    was = {"accuracy": Score(0.93, 0.91, 0.95), "recall": Score(None)}
    for value, sure in ((0.945, False), (0.96, True)):
        now = {"accuracy": Score(value, 0.92, 0.97), "recall": Score(0.9)}
        page = "\n\n".join(headline(first, base, was, now))
        assert page.startswith(
            f"## Accuracy {value:.2%}, {100 * (value - 0.93):+.2f} points\n\nCompared with `main` (`abcdef0`)"
        )
        assert "| recall of photographs | – | 90.00% | – |" in page
        assert ("may be chance" not in page) is sure


def test_the_report_says_that_results_are_those_of_a_retraining(first: Path) -> None:
    base = Base("main", "abcdef0" * 5, retrained="1234567" * 5)
    page = "\n".join(headline(first, base, {"accuracy": Score(0.9)}, {"accuracy": Score(0.9)}))
    assert page.startswith(
        "## Accuracy 90.00%, same\nCompared with `main` (`abcdef0`) as it was last retrained. MLflow run"
    )
