"""The detector that comes with the project: models/cifake, made by models/make.py from CIFAKE."""

from pathlib import Path

from realfake.core.files import sha256_file
from realfake.data.fingerprints import SEEN_FILE, Fingerprints, read_fingerprints

NAME = "cifake"
"""`weights: cifake` starts a training from it."""
FOLDER = Path("models") / NAME
NETWORK, SEEN = FOLDER / "model.keras", FOLDER / SEEN_FILE
"""In the project: the network to start from, and fingerprints of what it learnt from."""


def weights_file(weights: str) -> Path:
    """The file that `train.weights` names, within the project."""
    return NETWORK if weights == NAME else Path(weights)


def is_it(root: Path, sha256: str) -> bool:
    """Whether a digest is that of the shipped network."""
    file = root / NETWORK
    return file.is_file() and (root / SEEN).is_file() and sha256_file(file) == sha256


def seen(root: Path) -> Fingerprints:
    """Fingerprints of the pictures that the shipped network learnt from and was chosen on.

    Args:
        root: the project.
    """
    return read_fingerprints(root / FOLDER, f"git checkout {SEEN}")
