"""Prepared pictures: the arrays, labels and manifest that `preprocess` writes and every later stage reads."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Labels, Pictures
from realfake.core.csv_files import read_csv, write_csv
from realfake.core.errors import UserError

CLASSES = ("FAKE", "REAL")
"""Class names by label: FAKE = 0, REAL = 1. The network's one output is P(REAL)."""
SPLITS = ("train", "val", "test")
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MANIFEST = "manifest.csv"
"""In the prepared folder: a row per picture."""
MANIFEST_FIELDS = ("split", "label", "name", "sha256", "group", "cifar_class", "leaked")


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """What is known of one prepared picture."""

    split: str
    """train, val or test."""
    label: int
    name: str
    """File name in the archive, without folders."""
    sha256: str
    """Of the file's bytes, 64 hex digits."""
    group: str
    """Pictures cut from one photograph share a group: the name before `__`. Otherwise the picture's own sha256."""
    cifar_class: str
    """From CIFAKE's name suffix: `0001 (4).jpg` is a cat; empty where names do not tell."""
    leaked: bool
    """A test picture whose exact bytes, or another picture of whose group, also stood in train."""


@dataclass(frozen=True)
class Split:
    """One split, pictures memory-mapped."""

    pictures: Pictures
    labels: Labels
    rows: list[ManifestRow]


def group_of(name: str, sha256: str) -> str:
    """The group of a picture: what stands before `__` in its file name, else its own digest."""
    prefix, mark, _ = name.partition("__")
    return prefix if mark else sha256


def cifar_class_of(name: str) -> str:
    """CIFAR-10 class from CIFAKE's file names: `0000.jpg` airplane, `0000 (2).jpg` automobile ... `(10)` truck.

    The fakes of its test part are numbered without leading zeros. Names of other data sets give an empty string.
    """
    match = re.fullmatch(r"\d{1,4}(?: \((\d+)\))?\.jpg", name)
    if match is None:
        return ""
    number = int(match[1] or 1)
    return CIFAR_CLASSES[number - 1] if number <= len(CIFAR_CLASSES) else ""


def write_manifest(prepared: Path, rows: Iterable[ManifestRow]) -> None:
    """Write rows as CSV with a header into a prepared folder, in the order of the arrays: train, val, test."""
    lines = ([*(getattr(row, field) for field in MANIFEST_FIELDS[:-1]), int(row.leaked)] for row in rows)
    write_csv(prepared / MANIFEST, MANIFEST_FIELDS, lines)


def read_manifest(prepared: Path) -> list[ManifestRow]:
    """All rows of a prepared folder, in the order of the arrays.

    Raises:
        UserError: there is none, or it is damaged.
    """
    return read_csv(prepared / MANIFEST, MANIFEST_FIELDS, _manifest_row, "dvc repro preprocess")


def _manifest_row(cells: list[str]) -> ManifestRow:
    split, label, name, sha256, group, cifar_class, leaked = cells
    return ManifestRow(split, int(label), name, sha256, group, cifar_class, leaked == "1")


def load_split(prepared: Path, split: str) -> Split:
    """Load one split of a prepared folder.

    Args:
        prepared: the folder that preprocess wrote.
        split: `train`, `val` or `test`.

    Raises:
        UserError: the folder is missing or incomplete.
    """
    rows = [row for row in read_manifest(prepared) if row.split == split]
    pictures, labels = load_arrays(prepared, split)
    if not len(rows) == len(pictures) == len(labels):
        raise UserError(f"{prepared}: manifest and arrays of {split} disagree; run `dvc repro -f preprocess`")
    return Split(pictures, labels, rows)


def load_arrays(prepared: Path, split: str) -> tuple[Pictures, Labels]:
    """Pictures (memory-mapped) and labels of one split, without reading the manifest."""
    try:
        pictures = np.load(prepared / f"{split}_pictures.npy", mmap_mode="r", allow_pickle=False)
        return pictures, np.load(prepared / f"{split}_labels.npy", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{prepared} holds no {split} pictures; `dvc repro preprocess` makes them") from None
    except (ValueError, EOFError):
        raise UserError(f"{prepared} is damaged; `dvc repro -f preprocess` makes it anew") from None


def balanced_sample(labels: Labels, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Sorted indices of at most `count` pictures, equally many of each class where there are enough.

    Args:
        labels: uint8 (N,).
        count: how many at most.
        seed: the same seed picks the same pictures.
    """
    generator = np.random.default_rng(seed)
    chosen = [generator.permutation(np.flatnonzero(labels == label))[: count // 2] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(chosen))


def load_sample(prepared: Path, split: str, count: int, seed: int) -> tuple[Pictures, Labels]:
    """A balanced sample of one split: uint8 (N, S, S, 3) and labels uint8 (N,), N at most `count`.

    Raises:
        UserError: the split is missing, or too small to give a picture of each class.
    """
    pictures, labels = load_arrays(prepared, split)
    chosen = balanced_sample(labels, count, seed)
    if not len(chosen):
        raise UserError(f"{count} of {len(labels)} {split} pictures gives none of each class; expected at least 2")
    return pictures[chosen], labels[chosen]


def text_digest(lines: Iterable[str]) -> str:
    """SHA-256 over lines, each ended by a newline, as 64 hex digits."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
