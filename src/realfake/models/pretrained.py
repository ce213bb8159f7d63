"""The detector that comes with the project: models/cifake, made by models/make.py from CIFAKE."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from realfake.core.files import sha256_file

NAME = "cifake"
"""`weights: cifake` starts a training from it."""
FOLDER = Path("models") / NAME
NETWORK, SEEN = FOLDER / "model.keras", FOLDER / "seen.npy"
"""In the project: the network to start from, and fingerprints of what it learnt from."""


def weights_file(weights: str) -> Path:
    """The file that `train.weights` names, within the project."""
    return NETWORK if weights == NAME else Path(weights)


def is_it(root: Path, sha256: str) -> bool:
    """Whether a digest is that of the shipped network."""
    file = root / NETWORK
    return file.is_file() and (root / SEEN).is_file() and sha256_file(file) == sha256


def seen(root: Path) -> npt.NDArray[np.uint64]:
    """Fingerprints of the pictures that the shipped network learnt from and was chosen on (dataset.fingerprints_of).

    Args:
        root: the project.
    """
    found: npt.NDArray[np.uint64] = np.load(root / SEEN, allow_pickle=False)
    return found
