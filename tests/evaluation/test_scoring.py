"""What is written about a test can be recomputed from its predictions, and is the same when it is written twice."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scored import COUNT, PARAMS, pictures, rows

from realfake.core.errors import UserError
from realfake.data.dataset import ManifestRow, Split
from realfake.evaluation import scoring
from realfake.metrics import bootstrap, scores


@pytest.fixture(scope="module")
def test_split() -> Split:
    manifest = rows()
    return Split(pictures(), np.array([row.label for row in manifest], dtype=np.uint8), manifest)


@pytest.fixture(scope="module")
def probabilities(test_split: Split) -> np.ndarray:
    brightness = test_split.pictures.mean(axis=(1, 2, 3))
    return (1 / (1 + np.exp((120 - brightness) / 15))).astype(np.float32)


def written(split: Split, probabilities: np.ndarray, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    scoring.write(scoring.assess(split, probabilities, PARAMS), PARAMS, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def files(test_split: Split, probabilities: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return written(test_split, probabilities, tmp_path_factory.mktemp("once") / "out")


def test_every_file_is_written_and_twice_the_same(
    files: dict[str, bytes], test_split: Split, probabilities: np.ndarray, tmp_path: Path
) -> None:
    figures = ("accuracy_by_class", "calibration", "confusion", "precision_recall", "predictions", "roc")
    assert set(files) == {
        *("metrics.json", "ci_low.json", "ci_high.json", "cleaned.json"),
        *("decision.json", "predictions.csv", "plots/confusion.csv"),
        *(f"plots/{name}.json" for name in ("roc", "precision_recall", "calibration", "accuracy_by_class")),
        *(f"figures/{name}.png" for name in (*figures, "worst_mistakes")),
    }
    assert files == written(test_split, probabilities, tmp_path / "again")


def test_the_scores_can_be_recomputed_from_the_predictions(
    files: dict[str, bytes], test_split: Split, probabilities: np.ndarray
) -> None:
    table = list(csv.DictReader(files["predictions.csv"].decode().splitlines()))
    labels = np.array([int(row["label"]) for row in table], dtype=np.uint8)
    read = np.array([float(row["probability"]) for row in table])
    assert [row["name"] for row in table] == [row.name for row in test_split.rows]
    assert np.allclose(read, probabilities, atol=1e-7)
    official, cleaned = json.loads(files["metrics.json"]), json.loads(files["cleaned.json"])
    assert (official.pop("pictures"), cleaned.pop("pictures")) == (COUNT, COUNT - 6)
    assert official == pytest.approx(scores.scores(labels, read, 0.5, 10), abs=1e-6)
    kept = np.array([not row.leaked for row in test_split.rows])
    assert cleaned == pytest.approx(scores.scores(labels[kept], read[kept], 0.5, 10), abs=1e-6)
    for name, value in official.items():
        low, high = (json.loads(files[f"ci_{side}.json"])[name] for side in ("low", "high"))
        assert low < high and (low <= value <= high or name == "ece"), name


def test_intervals_resample_photographs(test_split: Split, probabilities: np.ndarray) -> None:
    low, high = scoring.assess(test_split, probabilities, PARAMS).intervals["recall"]
    groups = [row.group for row in test_split.rows]
    weights = bootstrap.resample(test_split.labels, groups, 100, PARAMS.seed)
    right = (probabilities >= 0.5) & (test_split.labels == 1)
    recalls = np.concatenate([block @ right for block in weights]) / 30
    assert (low, high) == pytest.approx(np.percentile(recalls, (2.5, 97.5)))


def test_plots_hold_what_was_called(files: dict[str, bytes], test_split: Split, probabilities: np.ndarray) -> None:
    table = list(csv.DictReader(files["plots/confusion.csv"].decode().splitlines()))
    counts = scores.confusion(test_split.labels, probabilities, 0.5)
    for row, true in enumerate(("FAKE", "REAL")):
        for column, called in enumerate(("FAKE", "REAL")):
            assert table.count({"true": true, "called": called}) == counts[row, column]
    classes = {row["class"]: row for row in json.loads(files["plots/accuracy_by_class.json"])}
    assert list(classes) == ["FAKE", "REAL", "cat", "dog"]
    right = (probabilities >= 0.5) == (test_split.labels == 1)
    assert classes["cat"]["accuracy"] == pytest.approx(right[1::2].mean(), abs=1e-6)


def test_the_summary_gives_figures_leaks_and_confusion(test_split: Split, probabilities: np.ndarray) -> None:
    result = scoring.assess(test_split, probabilities, PARAMS)
    lines = scoring.summary(result, PARAMS.threshold).splitlines()
    assert f"{result.scores['accuracy']:.2%} (95% interval" in lines[0]
    assert f"{result.cleaned['accuracy']:.2%} without 6 pictures that also stood in train" in lines[0]
    hits = int((probabilities[COUNT // 2 :] >= 0.5).sum())
    assert lines[-1].split() == ["true", "REAL", str(30 - hits), str(hits)]


def test_mlflow_gets_finite_numbers_only(test_split: Split, probabilities: np.ndarray) -> None:
    leaked = [ManifestRow("test", row.label, row.name, row.sha256, row.group, "", True) for row in test_split.rows]
    result = scoring.assess(Split(test_split.pictures, test_split.labels, leaked), probabilities, PARAMS)
    named = scoring.flat(result)
    assert named["test/accuracy_ci_low"] < named["test/accuracy"] < named["test/accuracy_ci_high"]
    assert named["test/class/REAL"] == named["test/recall"]
    assert not any(name.startswith("test/cleaned") for name in named), "no picture remains, so no figure does"


def test_a_network_that_answers_nan_is_one_line(test_split: Split, probabilities: np.ndarray) -> None:
    with pytest.raises(UserError, match="NaN"):
        scoring.assess(test_split, np.where(np.arange(COUNT) == 3, np.nan, probabilities), PARAMS)
