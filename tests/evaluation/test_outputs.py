"""Evaluate's scores can be recomputed from its predictions, and its files have the same bytes every time."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from scored import COUNT, PARAMS, predict, robustness, split

from realfake.data.dataset import Split
from realfake.evaluation.outputs import collect_class_accuracies, collect_scores, write_outputs
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
    return evaluate_predictions(test_split, predict(test_split.pictures), PARAMS)


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, damaged: Robustness, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    write_outputs(evaluation, damaged, PARAMS, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_file_is_written_with_the_same_bytes_twice(
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


def test_results_are_read_back_as_they_were_written(folder: Path, evaluation: Evaluation, damaged: Robustness) -> None:
    assert EvaluationScores.read(folder) == collect_scores(evaluation, damaged)
    assert read_classes(folder) == collect_class_accuracies(evaluation)
    assert Decision.read(folder).threshold == PARAMS.threshold
    for read, condition in zip(read_conditions(folder), (damaged.clean, *damaged.conditions), strict=True):
        assert read.kind == condition.kind
        assert read.accuracy == pytest.approx(condition.accuracy, abs=1e-6)


def test_the_scores_can_be_recomputed_from_the_predictions(folder: Path, test_split: Split) -> None:
    table, written = read_predictions(folder), EvaluationScores.read(folder)
    labels = np.array([row.label for row in table], dtype=np.uint8)
    probabilities = np.array([row.probability for row in table])
    assert [row.name for row in table] == [row.name for row in test_split.rows]
    assert np.allclose(probabilities, predict(test_split.pictures), atol=1e-7)
    test, cleaned = asdict(written.test), asdict(written.cleaned)
    assert (test.pop("pictures"), cleaned.pop("pictures")) == (COUNT, COUNT - 6)
    assert test == pytest.approx(scores.scores(labels, probabilities, 0.5, 10), abs=1e-6)
    kept = np.array([not row.leaked for row in test_split.rows])
    assert cleaned == pytest.approx(scores.scores(labels[kept], probabilities[kept], 0.5, 10), abs=1e-6)
    for name, value in test.items():
        low, high = getattr(written.low, name), getattr(written.high, name)
        assert low < high and (low <= value <= high or name == "ece"), name


def test_plots_have_the_predictions_and_the_accuracy_by_class(folder: Path, test_split: Split) -> None:
    probabilities = predict(test_split.pictures)
    table = list(csv.DictReader((folder / "plots/confusion.csv").read_text().splitlines()))
    counts = scores.confusion(test_split.labels, probabilities, 0.5)
    for row, true in enumerate(("FAKE", "REAL")):
        for column, called in enumerate(("FAKE", "REAL")):
            assert table.count({"true": true, "called": called}) == counts[row, column]
    classes = {row.name: row for row in read_classes(folder)}
    assert list(classes) == ["FAKE", "REAL", "cat", "dog"]
    right = (probabilities >= 0.5) == (test_split.labels == 1)
    assert classes["cat"].accuracy == pytest.approx(right[1::2].mean(), abs=1e-6)


def test_plots_have_the_columns_that_dvc_yaml_names(folder: Path) -> None:
    roc, recalls, bins, classes = (
        json.loads((folder / f"plots/{name}.json").read_text())
        for name in ("roc", "precision_recall", "calibration", "accuracy_by_class")
    )
    assert list(roc[0]) == ["fakes_called_real", "photographs_called_real"]
    assert list(recalls[0]) == ["recall", "precision"]
    assert list(bins[0]) == ["predicted", "observed"]
    assert list(classes[0]) == ["class", "accuracy", "ci_low", "ci_high"]
