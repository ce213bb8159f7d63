"""Square crops of photographs, brought to 32x32."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pictures = NDArray[np.uint8]
"""Pictures as uint8 (N, 32, 32, 3), RGB, 0 to 255."""

SIZE = 32
SMALLEST = 48  # pixels of the photograph: below, a crop would show its compression rather than its subject
WIDEST_RANGE = 10  # a crop's side is at least the photograph's short side / 10: closer, macro shots are only blur
LEAST_CONTRAST = 8.0  # standard deviation of the grey values (0 to 255) under which a crop is a bare surface


def crop(path: Path, count: int, seed: int) -> Pictures:
    """Draw `count` crops of one photograph: (count, 32, 32, 3), or fewer where it has too few that show anything.

    Sides are log-uniform between SMALLEST and the whole short side, places uniform. The draws depend on the seed and
    on the photograph's name alone, and a longer series begins with the shorter one.
    """
    rng = np.random.default_rng([seed, zlib.crc32(path.stem.encode())])
    with Image.open(path) as file:
        photograph = file.convert("RGB")
    found: dict[bytes, Pictures] = {}
    for _, box in zip(range(20 * count), boxes(photograph.size, rng), strict=False):
        small = photograph.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
        if np.asarray(small.convert("L")).std() >= LEAST_CONTRAST:
            found.setdefault(small.tobytes(), np.asarray(small))
        if len(found) == count:
            break
    return np.stack(list(found.values()))


def boxes(size: tuple[int, int], rng: np.random.Generator) -> Iterator[tuple[int, int, int, int]]:
    """Endless square boxes (left, top, right, bottom) inside a photograph of `size` (width, height)."""
    width, height = size
    most = min(size)
    least = min(most, max(SMALLEST, most // WIDEST_RANGE))
    while True:
        side = round(float(np.exp(rng.uniform(np.log(least), np.log(most)))))
        left, top = (int(rng.integers(0, length - side + 1)) for length in (width, height))
        yield left, top, left + side, top + side
