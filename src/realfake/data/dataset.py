"""Write and read prepared pictures: the arrays, labels and manifest of `preprocess` that every later stage reads."""

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
"""Class names, indexed by label: FAKE = 0, REAL = 1. The network's only output is P(REAL)."""
SPLITS = ("train", "val", "test")
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""Subjects of CIFAR-10, in the order of its labels."""
MANIFEST = "manifest.csv"
"""File in the prepared folder with a row per picture."""
MANIFEST_FIELDS = ("split", "label", "name", "sha256", "group", "cifar_class", "leaked")


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """Describe one prepared picture."""

    split: str
    """train, val or test."""
    label: int
    """FAKE = 0, REAL = 1."""
    name: str
    """File name in the archive, without folders."""
    sha256: str
    """SHA-256 of the file's bytes, 64 hex digits."""
    group: str
    """Name shared by pictures cut from one photograph: the part of the file name before `__`, else the sha256."""
    cifar_class: str
    """CIFAR-10 subject by CIFAKE's file name: `0001 (4).jpg` is a cat; empty when the name does not tell it."""
    leaked: bool
    """Whether this is a test picture of which the file, or another picture of its group, is also in train."""


@dataclass(frozen=True)
class Split:
    """Hold one split; its pictures are memory-mapped."""

    pictures: Pictures
    labels: Labels
    rows: list[ManifestRow]
    """Manifest rows, in the order of the pictures."""


def group_of(name: str, sha256: str) -> str:
    """Return the group of a picture: the part of its file name before `__`, or its digest without one."""
    prefix, separator, _ = name.partition("__")
    return prefix if separator else sha256


def cifar_class_of(name: str) -> str:
    """Return the CIFAR-10 subject of a CIFAKE file name; an empty string for other names.

    `0000.jpg` is an airplane, `0000 (2).jpg` an automobile ... `0000 (10).jpg` a truck. The fakes of CIFAKE's test part
    are numbered without leading zeros.
    """
    match = re.fullmatch(r"\d{1,4}(?: \((\d+)\))?\.jpg", name)
    if match is None:
        return ""
    number = int(match[1] or 1)
    return CIFAR_CLASSES[number - 1] if number <= len(CIFAR_CLASSES) else ""


def write_manifest(prepared: Path, rows: Iterable[ManifestRow]) -> None:
    """Write the manifest into a prepared folder, with rows in the order of the arrays: train, val, test."""
    lines = ([*(getattr(row, field) for field in MANIFEST_FIELDS[:-1]), int(row.leaked)] for row in rows)
    write_csv(prepared / MANIFEST, MANIFEST_FIELDS, lines)


def read_manifest(prepared: Path) -> list[ManifestRow]:
    """Read the manifest of a prepared folder; rows are in the order of the arrays.

    Raises:
        UserError: the manifest is missing or damaged.
    """
    return read_csv(prepared / MANIFEST, MANIFEST_FIELDS, _manifest_row, "dvc repro preprocess")


def _manifest_row(cells: list[str]) -> ManifestRow:
    """Parse the cells of a manifest row."""
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
    """Load the pictures (memory-mapped) and labels of one split without reading the manifest.

    Raises:
        UserError: a file is missing or damaged.
    """
    try:
        pictures = np.load(prepared / f"{split}_pictures.npy", mmap_mode="r", allow_pickle=False)
        return pictures, np.load(prepared / f"{split}_labels.npy", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{prepared} contains no {split} pictures; `dvc repro preprocess` makes them") from None
    except (ValueError, EOFError):
        raise UserError(f"{prepared} is damaged; `dvc repro -f preprocess` makes it again") from None


def balanced_sample(labels: Labels, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw at most `count` pictures, half of them of each class as far as there are enough.

    Args:
        labels: uint8 (N,), FAKE = 0, REAL = 1.
        count: largest number of pictures.
        seed: seed of the draw.

    Returns:
        Sorted indices, int64 (at most count,).
    """
    generator = np.random.default_rng(seed)
    chosen = [generator.permutation(np.flatnonzero(labels == label))[: count // 2] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(chosen))


def load_sample(prepared: Path, split: str, count: int, seed: int) -> tuple[Pictures, Labels]:
    """Load a balanced sample of one split: pictures uint8 (N, S, S, 3) and labels uint8 (N,), N at most `count`.

    Raises:
        UserError: the split is missing, or the sample is empty because `count` is below 2.
    """
    pictures, labels = load_arrays(prepared, split)
    chosen = balanced_sample(labels, count, seed)
    if not len(chosen):
        raise UserError(f"{count} of {len(labels)} {split} pictures gives none of each class; expected at least 2")
    return pictures[chosen], labels[chosen]


def text_digest(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines, each ended by a newline, as 64 hex digits."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
