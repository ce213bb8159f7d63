"""Scores against scikit-learn, and intervals against what statistics says they must be."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from realfake.core.arrays import Labels
from realfake.metrics import scores
from realfake.metrics.scores import Array


def predictions(count: int = 500, decimals: int = 2, seed: int = 0) -> tuple[Labels, Array]:
    """Labels and informative probabilities, with many ties where `decimals` are few; the classes are unequal."""
    generator = np.random.default_rng(seed)
    labels = (generator.random(count) < 0.3).astype(np.uint8)
    probabilities = np.clip(generator.normal(0.35 + 0.3 * labels, 0.25), 0, 1).round(decimals)
    return labels, probabilities


def expected(labels: Labels, probabilities: Array, weights: Array | None = None) -> dict[str, float]:
    called = probabilities >= 0.4
    given = {"sample_weight": weights}
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return {
        "accuracy": sklearn.accuracy_score(labels, called, **given),
        "precision": sklearn.precision_score(labels, called, **given),
        "recall": sklearn.recall_score(labels, called, **given),
        "fake_recall": sklearn.recall_score(labels, called, pos_label=0, **given),
        "f1": sklearn.f1_score(labels, called, **given),
        "roc_auc": sklearn.roc_auc_score(labels, probabilities, **given),
        "pr_auc": sklearn.average_precision_score(labels, probabilities, **given),
        "brier": sklearn.brier_score_loss(labels, probabilities, **given),
        "log_loss": sklearn.log_loss(labels, clipped, **given),
    }


def naive_calibration_error(labels: Labels, probabilities: Array, bins: int) -> float:
    error = 0.0
    for number in range(bins):
        above = probabilities >= number / bins
        member = above & ((probabilities < (number + 1) / bins) | (number == bins - 1))
        if member.any():
            error += member.mean() * abs(probabilities[member].mean() - labels[member].mean())
    return error


@pytest.mark.parametrize("decimals", [1, 2, 6])
def test_scores_agree_with_scikit_learn(decimals: int) -> None:
    labels, probabilities = predictions(decimals=decimals)
    values = scores.scores(labels, probabilities, threshold=0.4, bins=10)
    assert tuple(values) == scores.SCORES
    for name, value in expected(labels, probabilities).items():
        assert values[name] == pytest.approx(value), name


def test_calibration_error_is_the_mean_distance_over_bins() -> None:
    labels, probabilities = predictions(decimals=6)
    assert 1.0 in probabilities and 0.0 in probabilities
    value = scores.scores(labels, probabilities, threshold=0.5, bins=15)["ece"]
    assert value == pytest.approx(naive_calibration_error(labels, probabilities, 15))


def test_the_single_functions_agree_with_scores() -> None:
    labels, probabilities = predictions()
    values = scores.scores(labels, probabilities, threshold=0.4, bins=10)
    assert scores.accuracy(labels, probabilities, threshold=0.4) == pytest.approx(values["accuracy"])
    assert scores.roc_auc(labels, probabilities.astype(np.float32)) == pytest.approx(values["roc_auc"])
    assert scores.log_loss(labels, probabilities) == pytest.approx(values["log_loss"])


def test_a_picture_at_the_threshold_is_called_real() -> None:
    labels = np.array([0, 1], dtype=np.uint8)
    assert scores.accuracy(labels, np.array([0.49, 0.5])) == 1.0
    assert scores.confusion(labels, np.array([0.5, 0.5]), 0.5).tolist() == [[0, 1], [0, 1]]


def test_one_class_alone_leaves_its_scores_undefined() -> None:
    labels, probabilities = np.zeros(4, dtype=np.uint8), np.array([0.1, 0.2, 0.3, 0.4])
    values = scores.scores(labels, probabilities, threshold=0.5, bins=10)
    assert values["accuracy"] == values["fake_recall"] == 1.0
    assert values["precision"] == values["f1"] == 0.0
    assert math.isnan(values["recall"]) and math.isnan(values["roc_auc"]) and math.isnan(values["pr_auc"])
    assert math.isnan(scores.roc_auc(labels, probabilities))


def test_confusion_counts_agree_with_scikit_learn() -> None:
    labels, probabilities = predictions()
    counts = scores.confusion(labels, probabilities, 0.4)
    assert counts.tolist() == sklearn.confusion_matrix(labels, probabilities >= 0.4).tolist()


def test_weighted_scores_agree_with_scikit_learn() -> None:
    labels, probabilities = predictions()
    weights = np.random.default_rng(1).integers(0, 4, len(labels)).astype(np.float64)
    intervals = scores.bootstrap_intervals(labels, probabilities, 0.4, 10, [weights[None]])
    for name, value in expected(labels, probabilities, weights).items():
        assert intervals[name] == pytest.approx((value, value)), name


def test_resamples_draw_whole_groups_and_keep_each_class() -> None:
    labels = np.array([0] * 6 + [1] * 8, dtype=np.uint8)
    groups = ["a", "a", "b", "b", "c", "c", *("d", "e", "f", "g") * 2]
    weights = np.concatenate(list(scores.resample(labels, groups, 200, seed=3)))
    assert weights.shape == (200, 14)
    for name in set(groups):
        members = weights[:, [group == name for group in groups]]
        assert (members == members[:, :1]).all(), name
    assert (weights[:, labels == 0].sum(axis=1) == 6).all()
    assert (weights[:, labels == 1].sum(axis=1) == 8).all()
    assert weights.mean() == pytest.approx(1) and weights.std() > 0.5


def test_a_group_of_both_classes_is_drawn_as_one() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1], dtype=np.uint8)
    weights = np.concatenate(list(scores.resample(labels, ["a", "a", "b", "b", "c", "d"], 100, seed=0)))
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 2] == weights[:, 3]).all()
    assert weights[:, 0].std() > 0
    assert (weights[:, 4:] == 1).all()


def test_resamples_follow_the_seed_and_come_in_bounded_blocks() -> None:
    labels, _ = predictions(20_000)
    groups = [str(number) for number in range(len(labels))]
    blocks = list(scores.resample(labels, groups, 120, seed=5))
    assert len(blocks) > 1 and max(block.size for block in blocks) <= 2**20
    again = np.concatenate(list(scores.resample(labels, groups, 120, seed=5)))
    other = np.concatenate(list(scores.resample(labels, groups, 120, seed=6)))
    assert np.array_equal(np.concatenate(blocks), again)
    assert not np.array_equal(again, other)


def test_intervals_are_as_wide_as_the_binomial_says() -> None:
    labels, probabilities = predictions(4000, decimals=6)
    groups = [str(number) for number in range(len(labels))]
    weights = scores.resample(labels, groups, 1000, seed=0)
    low, high = scores.bootstrap_intervals(labels, probabilities, 0.4, 10, weights)["recall"]
    recall = expected(labels, probabilities)["recall"]
    spread = 2 * 1.96 * math.sqrt(recall * (1 - recall) / int(labels.sum()))
    assert low < recall < high
    assert high - low == pytest.approx(spread, rel=0.12)


def test_crops_of_one_photograph_widen_the_intervals() -> None:
    labels, probabilities = predictions(400, decimals=6)
    copied, repeated = np.repeat(labels, 9), np.repeat(probabilities, 9)
    width = {}
    for name, groups in (("crops", [str(i) for i in range(3600)]), ("photographs", [str(i // 9) for i in range(3600)])):
        weights = scores.resample(copied, groups, 400, seed=0)
        low, high = scores.bootstrap_intervals(copied, repeated, 0.4, 10, weights)["roc_auc"]
        width[name] = high - low
    assert width["photographs"] == pytest.approx(3 * width["crops"], rel=0.2)


def test_accuracy_within_a_part_has_the_interval_of_that_part() -> None:
    right = np.array([True, False, True, True])
    members = np.array([[True, True, False, False], [False, False, True, True]])
    weights = [np.array([[1.0, 3, 1, 1], [2, 0, 0, 2]]), np.array([[0.0, 0, 1, 1]])]
    first, second = scores.accuracy_intervals(right, members, weights)
    assert first == pytest.approx((0.25 + 0.75 * 0.025, 1 - 0.75 * 0.025))  # resamples 1/4 and 1; the third holds none
    assert second == (1, 1)


def test_curves_agree_with_scikit_learn() -> None:
    labels, probabilities = predictions(decimals=6)
    fakes_called_real, hits = scores.roc_curve(labels, probabilities, points=10_000)
    x, y, _ = sklearn.roc_curve(labels, probabilities, drop_intermediate=False)
    assert np.allclose(fakes_called_real, x) and np.allclose(hits, y)
    recall, precision = scores.precision_recall_curve(labels, probabilities, points=10_000)
    y, x, _ = sklearn.precision_recall_curve(labels, probabilities)
    assert np.allclose(recall, x[-2::-1]) and np.allclose(precision, y[-2::-1])


def test_long_curves_are_thinned_and_keep_their_ends_and_area() -> None:
    labels, probabilities = predictions(20_000, decimals=9)
    x, y = scores.roc_curve(labels, probabilities)
    assert len(x) == 300
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(scores.roc_auc(labels, probabilities), abs=1e-3)


def test_reliability_leaves_empty_bins_out() -> None:
    labels = np.array([0, 1, 1, 1], dtype=np.uint8)
    bins = scores.reliability(labels, np.array([0.05, 0.15, 0.1, 1.0]), 5)
    assert bins.centre == pytest.approx([0.1, 0.9])
    assert bins.predicted == pytest.approx([0.1, 1.0])
    assert bins.observed == pytest.approx([2 / 3, 1.0])
    assert bins.pictures.tolist() == [3, 1]
