"""Results are read back as they were written; a damaged file is a one-line error that names file and command."""

import json
from dataclasses import asdict, fields

import pytest
from stage_files import evaluation_scores

from realfake.core.errors import UserError
from realfake.evaluation.results import (
    CLASSES_FILE,
    CONDITIONS_FILE,
    SCORE_FILES,
    ClassAccuracy,
    Condition,
    Decision,
    EvaluationScores,
    Scores,
    read_classes,
    read_conditions,
    rounded,
    write_classes,
    write_conditions,
)
from realfake.metrics.scores import SCORES


def test_the_files_have_the_scores_that_are_computed():
    assert tuple(field.name for field in fields(Scores)) == SCORES


def test_scores_are_read_back_as_they_were_written_and_undefined_ones_are_null(tmp_path):
    scores = evaluation_scores(roc_auc=None, accuracy=1.0)
    scores.write(tmp_path)
    assert EvaluationScores.read(tmp_path) == scores
    assert {path.name for path in tmp_path.iterdir()} == {file for file, _ in SCORE_FILES.values()}
    assert json.loads((tmp_path / "metrics.json").read_text())["roc_auc"] is None


@pytest.mark.parametrize("file", [file for file, _ in SCORE_FILES.values()])
def test_a_missing_or_incomplete_file_is_a_one_line_error(tmp_path, file):
    evaluation_scores().write(tmp_path)
    values = json.loads((tmp_path / file).read_text())
    del values["accuracy"]
    (tmp_path / file).write_text(json.dumps(values))
    with pytest.raises(UserError, match=rf"{file} is damaged.*accuracy.*`dvc repro evaluate`"):
        EvaluationScores.read(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(UserError, match=rf"{file} is missing.*`dvc repro evaluate`"):
        EvaluationScores.read(tmp_path)


def test_scores_that_a_commit_lacks_are_none():
    scores = evaluation_scores()
    files = {file: asdict(getattr(scores, name)) for name, (file, _) in SCORE_FILES.items()}
    assert EvaluationScores.of_files(files | {"other.json": {"a": 1}}) == scores
    del files["robust.json"], files["metrics.json"]["f1"], files["cleaned.json"]["pictures"]
    incomplete = EvaluationScores.of_files(files)
    assert (incomplete.robust.accuracy, incomplete.test.f1, incomplete.cleaned.pictures) == (None, None, 0)
    assert incomplete.test.accuracy == scores.test.accuracy


def test_conditions_classes_and_the_threshold_are_read_back_as_they_were_written(tmp_path):
    conditions = [Condition("clean", 0.0, *[0.9] * 6), Condition("jpeg", 40.0, 1 / 3, *[0.8] * 5)]
    classes = [ClassAccuracy("FAKE", 0.9, 0.8, None)]
    write_conditions(tmp_path, conditions)
    write_classes(tmp_path, classes)
    Decision(0.45).write(tmp_path)
    clean, jpeg = read_conditions(tmp_path)
    assert clean == conditions[0]
    assert (jpeg.kind, jpeg.accuracy) == ("jpeg", 0.333333)
    assert read_classes(tmp_path) == classes
    assert Decision.read(tmp_path) == Decision(0.45)


@pytest.mark.parametrize(("file", "read"), [(CONDITIONS_FILE, read_conditions), (CLASSES_FILE, read_classes)])
def test_a_damaged_row_is_a_one_line_error(tmp_path, file, read):
    (tmp_path / "plots").mkdir()
    (tmp_path / file).write_text('[{"accuracy": 0.9}]')
    with pytest.raises(UserError, match=rf"{file} is damaged.*0\.(kind|class).*`dvc repro evaluate`"):
        read(tmp_path)


def test_rounding_keeps_six_decimals_and_turns_nan_into_none():
    assert rounded({"a": 1 / 3, "b": float("nan"), "c": 1}) == {"a": 0.333333, "b": None, "c": 1.0}
