"""What happens to pictures on their way through the web: JPEG, noise, blur, rescaling, tone, crop.

Pictures are uint8 (S, S, 3), RGB, at source resolution, and stay so. `SUITE` is what a network is tested on, `corrupt`
what it may be trained on: the same kinds one after another, drawn anew for each view. The model is Hendrycks &
Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions"; kinds and severities are for 32 px.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""uint8 (S, S, 3), RGB."""


def jpeg(picture: Picture, quality: float, random: np.random.Generator) -> Picture:
    """Encode and decode as JPEG of this quality, 1 to 100; libjpeg's tables, colour at half resolution."""
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    decoded: Picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)  # type: ignore[assignment]
    return decoded


def noise(picture: Picture, sigma: float, random: np.random.Generator) -> Picture:
    """Add independent Gaussian noise to each value; sigma on the scale where white is 1."""
    grain = random.standard_normal(picture.shape, dtype=np.float32)
    return _bytes(np.clip(picture + grain * np.float32(255 * sigma) + 0.5, 0, 255))


def blur(picture: Picture, sigma: float, random: np.random.Generator) -> Picture:
    """Blur with a Gaussian of this sigma in pixels."""
    return _bytes(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def rescale(picture: Picture, factor: float, random: np.random.Generator) -> Picture:
    """Reduce to this part of its size, averaging areas, and enlarge again, bilinear."""
    size = len(picture)
    small = max(1, round(size * factor))
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return _bytes(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR))


def brightness(picture: Picture, change: float, random: np.random.Generator) -> Picture:
    """Add to or take from all values, at random which; `change` on the scale where white is 1."""
    sign = 1 if random.random() < 0.5 else -1
    return _bytes(np.clip(picture + np.float32(sign * change * 255) + 0.5, 0, 255))


def contrast(picture: Picture, factor: float, random: np.random.Generator) -> Picture:
    """Draw all values to the picture's mean, or away from it, at random which: times `factor`, or 1 / `factor`."""
    times = factor if random.random() < 0.5 else 1 / factor
    mean = picture.mean(dtype=np.float32)
    return _bytes(np.clip((picture - mean) * np.float32(times) + mean + 0.5, 0, 255))


def crop(picture: Picture, part: float, random: np.random.Generator) -> Picture:
    """Keep a square of this part of the side, anywhere, and enlarge it again, bilinear."""
    size = len(picture)
    side = max(1, round(size * part))
    top, left = random.integers(size - side + 1, size=2)
    kept = picture[top : top + side, left : left + side]
    return _bytes(cv2.resize(kept, (size, size), interpolation=cv2.INTER_LINEAR))


def chat(picture: Picture, severity: float, random: np.random.Generator) -> Picture:
    """What a messenger does: reduced to 3/4 and enlarged again, saved as JPEG; severity 1 to 3 lowers the quality."""
    return jpeg(rescale(picture, 0.75, random), 100 - 20 * severity, random)


def camera(picture: Picture, severity: float, random: np.random.Generator) -> Picture:
    """A screen taken with a telephone: blurred, noisy, saved as JPEG; severity 1 to 3 raises all three."""
    seen = noise(blur(picture, 0.2 + 0.15 * severity, random), 0.02 * severity, random)
    return jpeg(seen, 100 - 15 * severity, random)


class DamageKind(NamedTuple):
    """One kind of damage and the severities it is tested at, from mild to strong."""

    apply: Callable[[Picture, float, np.random.Generator], Picture]
    severities: tuple[float, ...]
    unit: str
    """What a severity counts, for people."""


SUITE: dict[str, DamageKind] = {
    "jpeg": DamageKind(jpeg, (95, 80, 60, 40, 20), "JPEG quality"),
    "noise": DamageKind(noise, (0.02, 0.05, 0.1, 0.15), "Gaussian noise, sigma (white = 1)"),
    "blur": DamageKind(blur, (0.4, 0.6, 0.8, 1.0), "Gaussian blur, sigma in pixels"),
    "rescale": DamageKind(rescale, (0.9, 0.75, 0.5), "reduced to this part and enlarged again"),
    "brightness": DamageKind(brightness, (0.1, 0.2, 0.3), "brighter or darker (white = 1)"),
    "contrast": DamageKind(contrast, (0.8, 0.6, 0.4), "contrast times or divided by"),
    "crop": DamageKind(crop, (0.9, 0.8, 0.7), "part of the side that is kept"),
    "chat": DamageKind(chat, (1, 2, 3), "rescaled to 0.75, then JPEG 80, 60, 40"),
    "camera": DamageKind(camera, (1, 2, 3), "blur, noise and JPEG together"),
}
"""What `evaluate` tests, by the names of its figures."""

_CHANGES = (
    (blur, 0.2, 1.1),
    (rescale, 0.45, 1.0),
    (brightness, 0.0, 0.35),
    (contrast, 0.35, 1.0),
    (crop, 0.65, 1.0),
)
TRAINING_STEPS = ((1 / 2, _CHANGES), (1 / 3, ((noise, 0.0, 0.17),)), (2 / 3, ((jpeg, 15.0, 95.0),)))
"""What a training view may suffer, in order: how probable each step is, and its kinds with the range of severities."""


def corrupt(picture: Picture, random: np.random.Generator) -> Picture:
    """Damage a picture as training views are: changed, made noisy, saved as JPEG, in that order and at least one of it.

    Severities are drawn even from ranges that hold those of `SUITE`. Three views in four end as JPEG, as most pictures
    on the web do; where each was damaged in one way only, the combined kinds of the suite lost most.
    """
    taken = np.zeros(len(TRAINING_STEPS), dtype=bool)
    while not taken.any():
        taken = random.random(len(TRAINING_STEPS)) < [probability for probability, _ in TRAINING_STEPS]
    for _, kinds in (step for step, is_taken in zip(TRAINING_STEPS, taken, strict=True) if is_taken):
        apply, low, high = kinds[int(random.integers(len(kinds)))]
        picture = apply(picture, float(random.uniform(low, high)), random)
    return picture


def _bytes(values: npt.NDArray[np.generic]) -> Picture:
    return values.astype(np.uint8)
