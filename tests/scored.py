"""Provide toy test pictures with groups and leakage, and predictions for them, for tests of evaluate."""

import numpy as np

from realfake.config.schema import EvaluateParams
from realfake.data.dataset import ManifestRow, Split
from realfake.evaluation.robustness import Robustness, measure

PARAMS = EvaluateParams(threshold=0.5, bootstrap=100, calibration_bins=10, robustness_pictures=40, seed=1)
COUNT = 60


def rows() -> list[ManifestRow]:
    """Return manifest rows: half FAKE, half REAL in ten groups; every fifth FAKE is leaked; cats and dogs."""
    return [
        ManifestRow(
            split="test",
            label=int(number >= COUNT // 2),
            name=f"{number:04d} (4).jpg",
            sha256=f"{number:064x}",
            group=f"photograph{number % 10}" if number >= COUNT // 2 else f"{number:064x}",
            cifar_class="cat" if number % 2 else "dog",
            leaked=number < COUNT // 2 and number % 5 == 0,
        )
        for number in range(COUNT)
    ]


def pictures() -> np.ndarray:
    """Return uint8 (COUNT, 8, 8, 3); REAL pictures are brighter on average."""
    generator = np.random.default_rng(0)
    base = np.where(np.arange(COUNT) < COUNT // 2, 100, 140)
    level = generator.normal(base, 30).clip(5, 250)
    return generator.normal(level[:, None, None, None], 3, (COUNT, 8, 8, 3)).clip(0, 255).astype(np.uint8)


def split() -> Split:
    """Return the pictures as a split."""
    manifest = rows()
    return Split(pictures(), np.array([row.label for row in manifest], dtype=np.uint8), manifest)


def predict(images: np.ndarray) -> np.ndarray:
    """Return P(REAL), float32 (N,), which rises with the brightness."""
    return (1 / (1 + np.exp((120 - images.mean(axis=(1, 2, 3))) / 15))).astype(np.float32)


def robustness() -> Robustness:
    """Evaluate `predict` on damaged pictures."""
    test = split()
    return measure(predict, test, predict(test.pictures), PARAMS)
