"""Record fingerprints of a network's training pictures, so that leakage can be found later without the pictures."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from realfake.core.errors import UserError
from realfake.core.files import atomic_file
from realfake.data.dataset import ManifestRow

Fingerprints = npt.NDArray[np.uint64]
"""uint64 (N,): the first 8 bytes of SHA-256 digests."""
SEEN_FILE = "seen.npy"
"""File in a model's folder with the fingerprints of its training and validation pictures and of their groups."""


def fingerprints_of(texts: Iterable[str]) -> Fingerprints:
    """Return the fingerprint of each text, uint64 (N,)."""
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in texts)
    return np.frombuffer(digests, dtype=np.uint64)


def training_fingerprints(rows: Iterable[ManifestRow]) -> Fingerprints:
    """Return the sorted fingerprints of the pictures in train and val and of their groups."""
    seen = [row for row in rows if row.split != "test"]
    return np.unique(fingerprints_of([text for row in seen for text in (row.sha256, row.group)]))


def seen_in_training(rows: Iterable[ManifestRow], fingerprints: Fingerprints) -> npt.NDArray[np.bool_]:
    """Return which pictures a network has seen in training, themselves or others of their group, bool (N,).

    Args:
        rows: manifest rows of N pictures.
        fingerprints: the network's `training_fingerprints`.
    """
    rows = list(rows)
    pictures, groups = (fingerprints_of([getattr(row, name) for row in rows]) for name in ("sha256", "group"))
    return np.isin(pictures, fingerprints) | np.isin(groups, fingerprints)


def write_fingerprints(folder: Path, fingerprints: Fingerprints) -> None:
    """Write fingerprints into a model's folder."""
    with atomic_file(folder / SEEN_FILE) as file:
        np.save(file, fingerprints, allow_pickle=False)


def read_fingerprints(folder: Path, command: str) -> Fingerprints:
    """Read the fingerprints in a model's folder.

    Args:
        folder: the model's folder.
        command: the command that writes the file, for the error message.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = folder / SEEN_FILE
    try:
        found: Fingerprints = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `{command}` makes it") from None
    except (ValueError, EOFError):
        raise UserError(f"{path} is damaged; `{command}` makes it again") from None
    if found.dtype != np.uint64 or found.ndim != 1:
        raise UserError(f"{path} is damaged: it contains no fingerprints; `{command}` makes it again")
    return found
