"""Compare the accuracy of two networks on the same pictures by a paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels
from realfake.metrics.bootstrap import bootstrap_weights


@dataclass(frozen=True)
class PairedComparison:
    """Compare a candidate with the champion; accuracies are fractions of 1."""

    pictures: int
    """Number of pictures."""
    candidate: float
    """Accuracy of the candidate."""
    champion: float
    """Accuracy of the champion."""
    difference: float
    """Accuracy of the candidate minus accuracy of the champion."""
    low: float
    """Lower end of the one-sided 95 % interval of the difference."""
    only_candidate: int
    """Number of pictures that only the candidate predicted correctly."""
    only_champion: int
    """Number of pictures that only the champion predicted correctly."""


def compare_accuracy(
    labels: Labels,
    groups: Sequence[str],
    candidate: npt.NDArray[np.bool_],
    champion: npt.NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> PairedComparison:
    """Compare two networks by a paired bootstrap (Efron & Tibshirani 1993, 16.4) over groups of pictures.

    Both are scored on the same resamples, so pictures that are hard for both do not widen the interval.

    Args:
        labels: uint8 (N,).
        groups: N group names; pictures of one group are drawn together.
        candidate: bool (N,), which pictures the candidate called REAL.
        champion: bool (N,), which pictures the champion called REAL.
        resamples: number of bootstrap resamples.
        seed: seed of the resamples.
    """
    candidate_correct, champion_correct = candidate == (labels == 1), champion == (labels == 1)
    gain = candidate_correct.astype(np.float64) - champion_correct
    blocks = bootstrap_weights(labels, groups, resamples, seed)
    differences = np.concatenate([block @ gain / block.sum(axis=1) for block in blocks])
    return PairedComparison(
        pictures=len(labels),
        candidate=float(candidate_correct.mean()),
        champion=float(champion_correct.mean()),
        difference=float(gain.mean()),
        low=float(np.percentile(differences, 5)),
        only_candidate=int((gain > 0).sum()),
        only_champion=int((gain < 0).sum()),
    )
