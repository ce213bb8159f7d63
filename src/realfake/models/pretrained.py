"""Locate the shipped detector: models/cifake, which models/make.py trained on CIFAKE."""

from pathlib import Path

from realfake.core.files import sha256_file
from realfake.data.fingerprints import SEEN_FILE, Fingerprints, read_fingerprints

NAME = "cifake"
"""Its name as a value of train.weights."""
FOLDER = Path("models") / NAME
NETWORK, SEEN = FOLDER / "model.keras", FOLDER / SEEN_FILE
"""Within the project: the Keras network, and the fingerprints of the pictures that it was trained on."""


def weights_file(weights: str) -> Path:
    """Return the file that a value of train.weights names, relative to the project."""
    return NETWORK if weights == NAME else Path(weights)


def is_shipped(root: Path, sha256: str) -> bool:
    """Return whether a SHA-256 digest is that of the shipped network in the project `root`."""
    file = root / NETWORK
    return file.is_file() and (root / SEEN).is_file() and sha256_file(file) == sha256


def training_fingerprints(root: Path) -> Fingerprints:
    """Read the fingerprints of the train and val pictures of the shipped network in the project `root`."""
    return read_fingerprints(root / FOLDER, f"git checkout {SEEN}")
