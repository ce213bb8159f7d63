"""Every condition is scored on the same pictures, all kinds have the same weight, and the gate finds its metrics."""

import dataclasses

import numpy as np
import pytest
from conftest import PROJECT

from realfake.config.schema import EvaluateParams, load_params
from realfake.data.corruption import SUITE
from realfake.data.dataset import ManifestRow, Split
from realfake.evaluation import robustness
from realfake.registry.checks import limit_checks

PARAMS = EvaluateParams(threshold=0.5, bootstrap=100, calibration_bins=10, robustness_pictures=40, seed=1)
LABELS = (np.arange(40) % 2).astype(np.uint8)
PICTURES = np.where(LABELS[:, None, None, None] == 1, 150, 90).astype(np.uint8) * np.ones((1, 32, 32, 3), np.uint8)
SPLIT = Split(
    PICTURES,
    LABELS,
    [ManifestRow("test", int(y), f"{i}.jpg", "", f"{i // 4}", "", False) for i, y in enumerate(LABELS)],
)


def bright(pictures: np.ndarray) -> np.ndarray:
    """Return P(REAL) from the mean brightness, so that only the damage "brightness" causes mistakes."""
    return 1 / (1 + np.exp((120 - pictures.mean(axis=(1, 2, 3))) / 5))


@pytest.fixture(scope="module")
def found() -> robustness.Robustness:
    return robustness.measure(bright, SPLIT, bright(PICTURES), PARAMS)


def test_every_kind_and_severity_is_scored_once(found):
    expected = [(kind, severity) for kind in SUITE for severity in SUITE[kind].severities]
    assert [(row.kind, row.severity) for row in found.conditions] == expected
    assert (found.clean.kind, found.pictures) == ("clean", 40)


def test_the_number_of_damaged_pictures_can_be_limited():
    batches: list[np.ndarray] = []

    def predict(pictures: np.ndarray) -> np.ndarray:
        batches.append(pictures)
        return bright(pictures)

    few = robustness.measure(predict, SPLIT, bright(PICTURES), PARAMS.model_copy(update={"robustness_pictures": 8}))
    assert few.pictures == 8
    assert {len(pictures) for pictures in batches} == {8}
    assert few.clean.accuracy == 1, "labels and predictions must be those of the same pictures"


def test_only_damage_that_causes_mistakes_lowers_the_scores(found):
    assert found.clean.accuracy == 1
    for row in found.conditions:
        assert (row.accuracy < 1) == (row.kind == "brightness" and row.severity > 0.1), row
    dark = {row.severity: row for row in found.conditions if row.kind == "brightness"}
    assert dark[0.3].accuracy < dark[0.2].accuracy + 0.01
    assert dark[0.3].ece > found.clean.ece


def test_intervals_contain_the_accuracy_and_resample_groups(found):
    for row in (found.clean, *found.conditions):
        assert row.ci_low <= row.accuracy <= row.ci_high
        assert (row.ci_low < row.ci_high) == (0 < row.accuracy < 1)
    ungrouped = [dataclasses.replace(row, group=row.name) for row in SPLIT.rows]

    def predict(pictures: np.ndarray) -> np.ndarray:
        return np.where(np.arange(40) // 4 % 2, LABELS, 1.0 - LABELS)  # correct for every other group of four

    widths = [
        measured.ci_high - measured.ci_low
        for rows in (SPLIT.rows, ungrouped)
        for measured in [robustness.measure(predict, Split(PICTURES, LABELS, rows), predict(PICTURES), PARAMS).clean]
    ]
    assert widths[0] > 1.5 * widths[1], "pictures of one photograph are not independent"


def test_all_kinds_of_damage_have_the_same_weight(found):
    brightness = [row.accuracy for row in found.conditions if row.kind == "brightness"]
    assert found.means["brightness"] == pytest.approx(np.mean(brightness))
    assert found.means["accuracy"] == pytest.approx((len(SUITE) - 1 + np.mean(brightness)) / len(SUITE))
    assert found.means["worst"] == min(brightness)


def test_random_damage_depends_only_on_seed_and_severity():
    noise = [
        robustness.damage_pictures(PICTURES, "noise", sigma, 1).astype(int) - PICTURES for sigma in (0.05, 0.1, 0.1)
    ]
    assert np.array_equal(noise[1], noise[2])
    assert np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1] > 0.99, "severities must share their random numbers"
    assert not np.array_equal(noise[1], robustness.damage_pictures(PICTURES, "noise", 0.1, 2).astype(int) - PICTURES)


def test_the_summary_names_the_worst_condition(found):
    assert "worst: brightness 0." in robustness.summary(found)


@pytest.mark.parametrize("recipe", ["quick", "native", "deck"])
def test_the_metrics_that_the_gate_limits_exist(found, recipe):
    limits = load_params(PROJECT / f"recipes/{recipe}.yaml").promote.limits
    metrics = robustness.named_metrics(found)
    assert "test/robust/jpeg_40" in metrics
    robust = {name: limit for name, limit in limits.items() if name.startswith("test/robust/")}
    assert robust, "every recipe must limit robustness"
    assert all("not gated" not in str(check.state) for check in limit_checks(robust, metrics))
