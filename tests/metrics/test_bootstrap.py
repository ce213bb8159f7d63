"""Bootstrap resamples and intervals, compared with scikit-learn and with theory."""

import math

import numpy as np
import pytest
from predictions import expected, predictions

from realfake.metrics import bootstrap


def test_weighted_scores_agree_with_scikit_learn() -> None:
    labels, probabilities = predictions()
    weights = np.random.default_rng(1).integers(0, 4, len(labels)).astype(np.float64)
    intervals = bootstrap.bootstrap_intervals(labels, probabilities, 0.4, 10, [weights[None]])
    for name, value in expected(labels, probabilities, weights).items():
        assert intervals[name] == pytest.approx((value, value)), name


def test_resamples_draw_whole_groups_and_keep_the_size_of_each_class() -> None:
    labels = np.array([0] * 6 + [1] * 8, dtype=np.uint8)
    groups = ["a", "a", "b", "b", "c", "c", *("d", "e", "f", "g") * 2]
    weights = np.concatenate(list(bootstrap.bootstrap_weights(labels, groups, 200, seed=3)))
    assert weights.shape == (200, 14)
    for name in set(groups):
        members = weights[:, [group == name for group in groups]]
        assert (members == members[:, :1]).all(), name
    assert (weights[:, labels == 0].sum(axis=1) == 6).all()
    assert (weights[:, labels == 1].sum(axis=1) == 8).all()
    assert weights.mean() == pytest.approx(1) and weights.std() > 0.5


def test_a_group_of_both_classes_is_drawn_as_a_whole() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1], dtype=np.uint8)
    weights = np.concatenate(list(bootstrap.bootstrap_weights(labels, ["a", "a", "b", "b", "c", "d"], 100, seed=0)))
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 2] == weights[:, 3]).all()
    assert weights[:, 0].std() > 0
    assert (weights[:, 4:] == 1).all()


def test_resamples_depend_on_the_seed_and_are_made_in_bounded_blocks() -> None:
    labels, _ = predictions(20_000)
    groups = [str(number) for number in range(len(labels))]
    blocks = list(bootstrap.bootstrap_weights(labels, groups, 120, seed=5))
    assert len(blocks) > 1 and max(block.size for block in blocks) <= 2**20
    again = np.concatenate(list(bootstrap.bootstrap_weights(labels, groups, 120, seed=5)))
    other = np.concatenate(list(bootstrap.bootstrap_weights(labels, groups, 120, seed=6)))
    assert np.array_equal(np.concatenate(blocks), again)
    assert not np.array_equal(again, other)


def test_intervals_have_the_width_of_the_binomial_distribution() -> None:
    labels, probabilities = predictions(4000, decimals=6)
    groups = [str(number) for number in range(len(labels))]
    weights = bootstrap.bootstrap_weights(labels, groups, 1000, seed=0)
    low, high = bootstrap.bootstrap_intervals(labels, probabilities, 0.4, 10, weights)["recall"]
    recall = expected(labels, probabilities)["recall"]
    spread = 2 * 1.96 * math.sqrt(recall * (1 - recall) / int(labels.sum()))
    assert low < recall < high
    assert high - low == pytest.approx(spread, rel=0.12)


def test_crops_of_one_photograph_widen_the_intervals() -> None:
    labels, probabilities = predictions(400, decimals=6)
    copied, repeated = np.repeat(labels, 9), np.repeat(probabilities, 9)
    width = {}
    for name, groups in (("crops", [str(i) for i in range(3600)]), ("photographs", [str(i // 9) for i in range(3600)])):
        weights = bootstrap.bootstrap_weights(copied, groups, 400, seed=0)
        low, high = bootstrap.bootstrap_intervals(copied, repeated, 0.4, 10, weights)["roc_auc"]
        width[name] = high - low
    assert width["photographs"] == pytest.approx(3 * width["crops"], rel=0.2)


def test_accuracy_intervals_are_those_of_each_subset() -> None:
    correct = np.array([True, False, True, True])
    members = np.array([[True, True, False, False], [False, False, True, True]])
    weights = [np.array([[1.0, 3, 1, 1], [2, 0, 0, 2]]), np.array([[0.0, 0, 1, 1]])]
    first, second = bootstrap.accuracy_intervals(correct, members, weights)
    assert first == pytest.approx((0.25 + 0.75 * 0.025, 1 - 0.75 * 0.025))  # resamples 1/4 and 1; the third is empty
    assert second == (1, 1)
