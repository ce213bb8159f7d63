"""Damage pictures as the web does: JPEG compression, noise, blur, rescaling, brightness, contrast, crop.

Every function takes and returns one picture, uint8 (S, S, 3), RGB, at source resolution. `SUITE` defines the robustness
test, `corrupt` the damage of training views: the same kinds, combined at random. The design follows Hendrycks &
Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions"; severities are chosen for 32 px.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""uint8 (S, S, 3), RGB."""


def jpeg(picture: Picture, quality: float, random: np.random.Generator) -> Picture:
    """Encode and decode as JPEG of this quality, 1 to 100, with libjpeg's tables and colour at half resolution."""
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    decoded: Picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)  # type: ignore[assignment]
    return decoded


def noise(picture: Picture, sigma: float, random: np.random.Generator) -> Picture:
    """Add independent Gaussian noise to each value; `sigma` is its standard deviation where white is 1."""
    unit_noise = random.standard_normal(picture.shape, dtype=np.float32)
    return _bytes(np.clip(picture + unit_noise * np.float32(255 * sigma) + 0.5, 0, 255))


def blur(picture: Picture, sigma: float, random: np.random.Generator) -> Picture:
    """Blur with a Gaussian whose standard deviation is `sigma` pixels."""
    return _bytes(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def rescale(picture: Picture, factor: float, random: np.random.Generator) -> Picture:
    """Reduce to the fraction `factor` of the side (area averaging), then enlarge to the original side (bilinear)."""
    size = len(picture)
    small = max(1, round(size * factor))
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return _bytes(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR))


def brightness(picture: Picture, change: float, random: np.random.Generator) -> Picture:
    """Brighten or darken by `change`, at random; white is 1."""
    sign = 1 if random.random() < 0.5 else -1
    return _bytes(np.clip(picture + np.float32(sign * change * 255) + 0.5, 0, 255))


def contrast(picture: Picture, factor: float, random: np.random.Generator) -> Picture:
    """Multiply the contrast around the picture's mean by `factor` or by 1 / `factor`, at random."""
    times = factor if random.random() < 0.5 else 1 / factor
    mean = picture.mean(dtype=np.float32)
    return _bytes(np.clip((picture - mean) * np.float32(times) + mean + 0.5, 0, 255))


def crop(picture: Picture, part: float, random: np.random.Generator) -> Picture:
    """Cut a random square with the fraction `part` of the side and enlarge it to the original side (bilinear)."""
    size = len(picture)
    side = max(1, round(size * part))
    top, left = random.integers(size - side + 1, size=2)
    kept = picture[top : top + side, left : left + side]
    return _bytes(cv2.resize(kept, (size, size), interpolation=cv2.INTER_LINEAR))


def chat(picture: Picture, severity: float, random: np.random.Generator) -> Picture:
    """Imitate a chat application: rescale to 3/4 and back, then JPEG of quality 80, 60, 40 at severity 1, 2, 3."""
    return jpeg(rescale(picture, 0.75, random), 100 - 20 * severity, random)


def camera(picture: Picture, severity: float, random: np.random.Generator) -> Picture:
    """Imitate a photograph of a screen: blur, noise, then JPEG; each grows with severity 1 to 3."""
    photograph = noise(blur(picture, 0.2 + 0.15 * severity, random), 0.02 * severity, random)
    return jpeg(photograph, 100 - 15 * severity, random)


class DamageKind(NamedTuple):
    """Define one kind of damage of the robustness test."""

    apply: Callable[[Picture, float, np.random.Generator], Picture]
    """Function of a picture, a severity and a random generator that returns the damaged picture."""
    severities: tuple[float, ...]
    """Tested severities, from mild to strong."""
    unit: str
    """Meaning of a severity, for figures."""


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
"""The robustness test of `evaluate`; the keys are part of metric names."""

_CHANGES = (
    (blur, 0.2, 1.1),
    (rescale, 0.45, 1.0),
    (brightness, 0.0, 0.35),
    (contrast, 0.35, 1.0),
    (crop, 0.65, 1.0),
)
TRAINING_STEPS = ((1 / 2, _CHANGES), (1 / 3, ((noise, 0.0, 0.17),)), (2 / 3, ((jpeg, 15.0, 95.0),)))
"""Steps of `corrupt`, in order: the step's probability, and its kinds of damage, each with its range of severities."""


def corrupt(picture: Picture, random: np.random.Generator) -> Picture:
    """Damage a picture for training: change it, add noise, compress as JPEG, in this order, at least one of the three.

    Severities are uniform over ranges that contain those of `SUITE`. Three views in four end as JPEG, as most pictures
    on the web are. Several steps are combined because a network trained on single kinds of damage lost most accuracy on
    the combined kinds of `SUITE`.
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
