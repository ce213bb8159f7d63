"""Two networks on the same pictures, pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels
from realfake.metrics.bootstrap import bootstrap_weights


@dataclass(frozen=True)
class PairedComparison:
    """How a candidate does beside the champion."""

    pictures: int
    candidate: float
    """Accuracy."""
    champion: float
    difference: float
    """Accuracy of the candidate less that of the champion."""
    low: float
    """Lower end of the difference's one-sided 95 % interval."""
    only_candidate: int
    """Pictures that the candidate alone called by their right name."""
    only_champion: int


def compare_accuracy(
    labels: Labels,
    groups: Sequence[str],
    candidate: npt.NDArray[np.bool_],
    champion: npt.NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> PairedComparison:
    """Compare two networks by a paired bootstrap (Efron & Tibshirani 1993, 16.4) over groups of pictures.

    Both are scored on the same resamples, so what makes a picture hard for both does not widen the interval.

    Args:
        labels: uint8 (N,).
        groups: N group names: what is drawn together.
        candidate: bool (N,), which pictures it called REAL.
        champion: bool (N,), the same of the other.
        resamples: R.
        seed: the same seed draws the same resamples.
    """
    ours, theirs = candidate == (labels == 1), champion == (labels == 1)
    gain = ours.astype(np.float64) - theirs
    blocks = bootstrap_weights(labels, groups, resamples, seed)
    differences = np.concatenate([block @ gain / block.sum(axis=1) for block in blocks])
    return PairedComparison(
        pictures=len(labels),
        candidate=float(ours.mean()),
        champion=float(theirs.mean()),
        difference=float(gain.mean()),
        low=float(np.percentile(differences, 5)),
        only_candidate=int((gain > 0).sum()),
        only_champion=int((gain < 0).sum()),
    )
