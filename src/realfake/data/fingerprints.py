"""Fingerprints of pictures: enough to know later which pictures a network has learnt from, without keeping them."""

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
"""In a model's folder: fingerprints of what it learnt from."""


def fingerprints_of(texts: Iterable[str]) -> Fingerprints:
    """The fingerprint of each text, uint64 (N,)."""
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in texts)
    return np.frombuffer(digests, dtype=np.uint64)


def training_fingerprints(rows: Iterable[ManifestRow]) -> Fingerprints:
    """Sorted fingerprints of the pictures in train and val and of their groups: what a network has learnt from."""
    learnt = [row for row in rows if row.split != "test"]
    return np.unique(fingerprints_of([text for row in learnt for text in (row.sha256, row.group)]))


def seen_in_training(rows: Iterable[ManifestRow], learnt: Fingerprints) -> npt.NDArray[np.bool_]:
    """Which pictures, or others of their group, a network has learnt from, bool (N,)."""
    rows = list(rows)
    pictures, groups = (fingerprints_of([getattr(row, name) for row in rows]) for name in ("sha256", "group"))
    return np.isin(pictures, learnt) | np.isin(groups, learnt)


def write_fingerprints(folder: Path, fingerprints: Fingerprints) -> None:
    """Write fingerprints into a model's folder."""
    with atomic_file(folder / SEEN_FILE) as file:
        np.save(file, fingerprints, allow_pickle=False)


def read_fingerprints(folder: Path, command: str) -> Fingerprints:
    """Read what the network of a folder has learnt from.

    Args:
        folder: the model's folder.
        command: the command that makes the file, for the error message.

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
        raise UserError(f"{path} is damaged: it holds no fingerprints; `{command}` makes it again")
    return found
