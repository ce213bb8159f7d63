"""The paired bootstrap against what is known of it."""

import numpy as np
import pytest

from realfake.metrics.paired_bootstrap import compare_accuracy

COUNT = 2000


def subjects(seed: int, first: float, second: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and which pictures two networks of these accuracies call REAL; they err independently."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(COUNT) % 2).astype(np.uint8)
    right = [generator.random(COUNT) < accuracy for accuracy in (first, second)]
    return labels, *(np.where(one, labels, 1 - labels) == 1 for one in right)


def test_the_counts_and_accuracies_are_those_of_the_pictures():
    labels = np.array([0, 0, 1, 1], dtype=np.uint8)
    ours, theirs = np.array([False, True, True, True]), np.array([True, False, False, True])
    found = compare_accuracy(labels, list("abcd"), ours, theirs, 100, 0)
    assert (found.pictures, found.candidate, found.champion, found.difference) == (4, 0.75, 0.5, 0.25)
    assert (found.only_candidate, found.only_champion) == (2, 1)


def test_the_lower_end_is_that_of_the_normal_approximation():
    labels, ours, theirs = subjects(1, 0.93, 0.94)
    gain = (ours == labels).astype(float) - (theirs == labels)
    low = gain.mean() - 1.645 * gain.std() / np.sqrt(COUNT)
    found = compare_accuracy(labels, [str(i) for i in range(COUNT)], ours, theirs, 4000, 0)
    assert found.low == pytest.approx(low, abs=0.0007)


def test_twins_lose_nothing():
    labels, ours, _ = subjects(2, 0.9, 0.9)
    found = compare_accuracy(labels, [str(i) for i in range(COUNT)], ours, ours, 200, 0)
    assert (found.difference, found.low) == (0.0, 0.0)


def test_pictures_of_one_photograph_count_as_one():
    """Ten copies of each picture say no more than one: the interval must not shrink."""
    labels, ours, theirs = subjects(3, 0.90, 0.93)
    alone = compare_accuracy(labels, [str(i) for i in range(COUNT)], ours, theirs, 2000, 0)
    groups = [str(i // 10) for i in range(10 * COUNT)]
    copies = compare_accuracy(*(np.repeat(labels, 10), groups, np.repeat(ours, 10), np.repeat(theirs, 10)), 2000, 0)
    assert copies.low == pytest.approx(alone.low, abs=0.001)
