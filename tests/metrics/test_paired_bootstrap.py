"""The paired bootstrap, compared with the normal approximation and with cases of known result."""

import numpy as np
import pytest

from realfake.metrics.paired_bootstrap import compare_accuracy

COUNT = 2000


def predictions(seed: int, first: float, second: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make labels, and which pictures two networks of these accuracies call REAL; their errors are independent."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(COUNT) % 2).astype(np.uint8)
    correct = [generator.random(COUNT) < accuracy for accuracy in (first, second)]
    return labels, *(np.where(one, labels, 1 - labels) == 1 for one in correct)


def test_the_counts_and_accuracies_are_those_of_the_pictures():
    labels = np.array([0, 0, 1, 1], dtype=np.uint8)
    candidate, champion = np.array([False, True, True, True]), np.array([True, False, False, True])
    found = compare_accuracy(labels, list("abcd"), candidate, champion, 100, 0)
    assert (found.pictures, found.candidate, found.champion, found.difference) == (4, 0.75, 0.5, 0.25)
    assert (found.only_candidate, found.only_champion) == (2, 1)


def test_the_lower_end_is_that_of_the_normal_approximation():
    labels, candidate, champion = predictions(1, 0.93, 0.94)
    gain = (candidate == labels).astype(float) - (champion == labels)
    low = gain.mean() - 1.645 * gain.std() / np.sqrt(COUNT)
    found = compare_accuracy(labels, [str(i) for i in range(COUNT)], candidate, champion, 4000, 0)
    assert found.low == pytest.approx(low, abs=0.0007)


def test_equal_networks_have_no_difference():
    labels, candidate, _ = predictions(2, 0.9, 0.9)
    found = compare_accuracy(labels, [str(i) for i in range(COUNT)], candidate, candidate, 200, 0)
    assert (found.difference, found.low) == (0.0, 0.0)


def test_pictures_of_one_photograph_count_as_one():
    """Ten copies of each picture add no information: the interval must not shrink."""
    labels, candidate, champion = predictions(3, 0.90, 0.93)
    single = compare_accuracy(labels, [str(i) for i in range(COUNT)], candidate, champion, 2000, 0)
    groups = [str(i // 10) for i in range(10 * COUNT)]
    tenfold = (np.repeat(values, 10) for values in (candidate, champion))
    copies = compare_accuracy(np.repeat(labels, 10), groups, *tenfold, 2000, 0)
    assert copies.low == pytest.approx(single.low, abs=0.001)
