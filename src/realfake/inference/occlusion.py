"""Explain a prediction by occlusion: cover each area of the picture and measure the change (Zeiler & Fergus 2014, 4.2).

The method needs predictions only and no gradients, so it works for quantised files too.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float64]
"""One number for each pixel, float64 (S, S)."""
_CLIP = 1e-4
"""Probabilities are kept this far from 0 and 1, so that log-odds are finite."""
_FAKE_COLOUR, _REAL_COLOUR = (213, 94, 0), (0, 114, 178)
"""Orange and blue (Okabe & Ito 2008), RGB."""


def occlusion_map(
    predict: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
    picture: npt.NDArray[np.uint8],
    parts: int = 8,
) -> Map:
    """Measure how much each area speaks for REAL: by how much the log-odds fall when it is covered by the mean colour.

    A square cover moves over the picture in steps of half its side; the falls of overlapping covers are averaged.

    Args:
        predict: predicts P(REAL), float32 (N,), of pictures, uint8 (N, S, S, 3).
        picture: uint8 (S, S, 3).
        parts: steps per side; the cover is two steps wide.

    Returns:
        float64 (S, S), positive where the picture speaks for REAL and negative where it speaks for FAKE.
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
    odds = _log_odds(predict(covered))
    total, times = np.zeros((size, size)), np.zeros((size, size))
    for cover, value in zip(covers, odds[:-1], strict=True):
        total[cover] += odds[-1] - value
        times[cover] += 1
    return total / times


def overlay(picture: npt.NDArray[np.uint8], importance: Map, scale: int = 8) -> npt.NDArray[np.uint8]:
    """Draw a map over its picture in grey: blue where it speaks for REAL, orange where it speaks for FAKE.

    Args:
        picture: uint8 (S, S, 3).
        importance: float (S, S), positive for REAL.
        scale: pixels drawn for each pixel, on a side.

    Returns:
        uint8 (S * scale, S * scale, 3).
    """
    strength = np.abs(importance) / max(
        float(np.abs(importance).max()), 1.0
    )  # maps whose largest value is below one unit of log-odds are drawn faintly
    colour = np.where((importance > 0)[..., None], np.array(_REAL_COLOUR), np.array(_FAKE_COLOUR))
    grey = picture.mean(axis=2, keepdims=True) * 0.6 + 90
    opacity = 0.75 * strength[..., None]
    mixed = (grey * (1 - opacity) + colour * opacity).clip(0, 255).astype(np.uint8)
    drawn: npt.NDArray[np.uint8] = mixed.repeat(scale, axis=0).repeat(scale, axis=1)
    return drawn


def _log_odds(probabilities: npt.NDArray[np.float32]) -> Map:
    clipped = probabilities.astype(np.float64).clip(_CLIP, 1 - _CLIP)
    odds: Map = np.log(clipped / (1 - clipped))
    return odds
