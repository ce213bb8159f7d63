"""What is written about a test can be recomputed from its predictions, and is the same when it is written twice."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from scored import COUNT, PARAMS, answer, robustness, split

from realfake.data.dataset import Split
from realfake.evaluation.outputs import classes_of, scores_of, write_outputs
from realfake.evaluation.predictions import read_predictions
from realfake.evaluation.results import Decision, EvaluationScores, read_classes, read_conditions
from realfake.evaluation.robustness import Robustness
from realfake.evaluation.scoring import Evaluation, evaluate_predictions
from realfake.metrics import scores


@pytest.fixture(scope="module")
def test_split() -> Split:
    return split()


@pytest.fixture(scope="module")
def damaged() -> Robustness:
    return robustness()


@pytest.fixture(scope="module")
def evaluation(test_split: Split) -> Evaluation:
    return evaluate_predictions(test_split, answer(test_split.pictures), PARAMS)


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, damaged: Robustness, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    write_outputs(evaluation, damaged, PARAMS, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_file_is_written_and_twice_the_same(
    folder: Path, evaluation: Evaluation, damaged: Robustness, tmp_path: Path
) -> None:
    plots = ("roc", "precision_recall", "calibration", "accuracy_by_class", "robustness")
    assert set(contents(folder)) == {
        *("metrics.json", "ci_low.json", "ci_high.json", "cleaned.json", "robust.json"),
        *("decision.json", "predictions.csv", "plots/confusion.csv"),
        *(f"plots/{name}.json" for name in plots),
    }
    write_outputs(evaluation, damaged, PARAMS, tmp_path)
    assert contents(tmp_path) == contents(folder)


def test_it_is_read_as_it_was_written(folder: Path, evaluation: Evaluation, damaged: Robustness) -> None:
    assert EvaluationScores.read(folder) == scores_of(evaluation, damaged)
    assert read_classes(folder) == classes_of(evaluation)
    assert Decision.read(folder).threshold == PARAMS.threshold
    for read, found in zip(read_conditions(folder), (damaged.clean, *damaged.conditions), strict=True):
        assert read.kind == found.kind
        assert read.accuracy == pytest.approx(found.accuracy, abs=1e-6)


def test_the_scores_can_be_recomputed_from_the_predictions(folder: Path, test_split: Split) -> None:
    table, found = read_predictions(folder), EvaluationScores.read(folder)
    labels = np.array([row.label for row in table], dtype=np.uint8)
    read = np.array([row.probability for row in table])
    assert [row.name for row in table] == [row.name for row in test_split.rows]
    assert np.allclose(read, answer(test_split.pictures), atol=1e-7)
    official, cleaned = asdict(found.test), asdict(found.cleaned)
    assert (official.pop("pictures"), cleaned.pop("pictures")) == (COUNT, COUNT - 6)
    assert official == pytest.approx(scores.scores(labels, read, 0.5, 10), abs=1e-6)
    kept = np.array([not row.leaked for row in test_split.rows])
    assert cleaned == pytest.approx(scores.scores(labels[kept], read[kept], 0.5, 10), abs=1e-6)
    for name, value in official.items():
        low, high = getattr(found.low, name), getattr(found.high, name)
        assert low < high and (low <= value <= high or name == "ece"), name


def test_plots_hold_what_was_called(folder: Path, test_split: Split) -> None:
    probabilities = answer(test_split.pictures)
    table = list(csv.DictReader((folder / "plots/confusion.csv").read_text().splitlines()))
    counts = scores.confusion(test_split.labels, probabilities, 0.5)
    for row, true in enumerate(("FAKE", "REAL")):
        for column, called in enumerate(("FAKE", "REAL")):
            assert table.count({"true": true, "called": called}) == counts[row, column]
    classes = {row.name: row for row in read_classes(folder)}
    assert list(classes) == ["FAKE", "REAL", "cat", "dog"]
    right = (probabilities >= 0.5) == (test_split.labels == 1)
    assert classes["cat"].accuracy == pytest.approx(right[1::2].mean(), abs=1e-6)


def test_dvc_yaml_finds_the_columns_that_it_draws(folder: Path) -> None:
    roc, recalls, bins, classes = (
        json.loads((folder / f"plots/{name}.json").read_text())
        for name in ("roc", "precision_recall", "calibration", "accuracy_by_class")
    )
    assert list(roc[0]) == ["fakes_called_real", "photographs_called_real"]
    assert list(recalls[0]) == ["recall", "precision"]
    assert list(bins[0]) == ["predicted", "observed"]
    assert list(classes[0]) == ["class", "accuracy", "ci_low", "ci_high"]
