"""Where a network looked: cover the picture piece by piece and see how the answer moves (Zeiler & Fergus 2014, 4.2).

Needs nothing of the network but its answers, so it works on quantised files too, where gradients are none.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float64]
_CLIP = 1e-4
_FOR, _AGAINST = (213, 94, 0), (0, 114, 178)


def occlusion_map(
    probabilities: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
    picture: npt.NDArray[np.uint8],
    parts: int = 8,
) -> Map:
    """How much each place speaks for REAL: the mean fall of the log odds when it is covered with the mean colour.

    Args:
        probabilities: uint8 (N, S, S, 3) to P(REAL), float32 (N,).
        picture: uint8 (S, S, 3).
        parts: the picture's side in steps of the cover, which is two steps wide.

    Returns:
        float64 (S, S); above 0 where a place speaks for REAL, below where it speaks for FAKE.
    """
    size = len(picture)
    edges = np.linspace(0, size, parts + 1).round().astype(int)
    covers = [
        (slice(edges[row], edges[row + 2]), slice(edges[column], edges[column + 2]))
        for row in range(parts - 1)
        for column in range(parts - 1)
    ]
    covered = np.repeat(picture[None], len(covers) + 1, axis=0)
    for number, cover in enumerate(covers):
        covered[number][cover] = picture.mean(axis=(0, 1)).round()
    odds = _log_odds(probabilities(covered))
    total, times = np.zeros((size, size)), np.zeros((size, size))
    for cover, value in zip(covers, odds[:-1], strict=True):
        total[cover] += odds[-1] - value
        times[cover] += 1
    return total / times


def overlay(picture: npt.NDArray[np.uint8], importance: Map, scale: int = 8) -> npt.NDArray[np.uint8]:
    """The picture in grey under its map: blue speaks for REAL, orange for FAKE.

    Args:
        picture: uint8 (S, S, 3).
        importance: float (S, S).
        scale: pixels on a side for each of the picture's.

    Returns:
        uint8 (S * scale, S * scale, 3).
    """
    strength = np.abs(importance) / max(float(np.abs(importance).max()), 1.0)  # under one unit of log odds is faint
    colour = np.where((importance > 0)[..., None], np.array(_AGAINST), np.array(_FOR))
    grey = picture.mean(axis=2, keepdims=True) * 0.6 + 90
    share = 0.75 * strength[..., None]
    mixed = (grey * (1 - share) + colour * share).clip(0, 255).astype(np.uint8)
    drawn: npt.NDArray[np.uint8] = mixed.repeat(scale, axis=0).repeat(scale, axis=1)
    return drawn


def _log_odds(probabilities: npt.NDArray[np.float32]) -> Map:
    clipped = probabilities.astype(np.float64).clip(_CLIP, 1 - _CLIP)
    odds: Map = np.log(clipped / (1 - clipped))
    return odds
