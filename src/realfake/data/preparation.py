"""Prepare an archive's pictures: decode them, find duplicates and leakage, split them and write the arrays."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from realfake.config.schema import PreprocessParams, flatten
from realfake.core.errors import UserError
from realfake.core.files import atomic_file
from realfake.data.archive import content_digest
from realfake.data.dataset import CLASSES, SPLITS, ManifestRow, cifar_class_of, write_manifest
from realfake.data.decoding import CHUNK, Decoded, decode_all
from realfake.data.preparation_report import PreparationReport, RemovedPictures

EXAMPLES = 20
"""Pictures named in the report for each reason of removal."""


def prepare(archive: Path, params: PreprocessParams, output: Path) -> PreparationReport:
    """Write the prepared arrays, manifest and report of an archive into `output`.

    Exact duplicates are removed within train. A train picture that is also in test, or shares its group with a test
    picture, is removed from train, and the test pictures concerned are flagged `leaked`. Splits are stratified by
    class; the pictures of one group are either all in train or all in val.

    Args:
        archive: a file or folder that `archive.read_archive` reads.
        params: the parameters of preprocess.
        output: an existing empty folder.

    Returns:
        The report that is also written to `report.json`.

    Raises:
        UserError: a picture is unusable (`bad_pictures: stop`), one picture has both labels, or a class is empty.
    """
    raw_file = output / "decoded.raw"
    decoded = decode_all(archive, params.size, raw_file)
    usable = [item for item in decoded if item.problem is None]
    bad = [f"{_path(item.row)}: {item.problem}" for item in decoded if item.problem is not None]
    if bad and params.bad_pictures == "stop":
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise UserError(f"{archive.name}: {bad[0]}{more}; repair or remove it, or set preprocess.bad_pictures: skip")
    _require_one_label(usable)
    kept, removed = _without_leakage(usable)
    kept = _split(_limited(_with_cifar_classes(kept), params), params)
    _require_pictures(kept)
    kept.sort(key=lambda item: (SPLITS.index(item.row.split), _path(item.row)))
    _write_arrays(kept, raw_file, params.size, output)
    raw_file.unlink()
    write_manifest(output, (item.row for item in kept))
    digest = content_digest((_path(item.row), item.row.sha256) for item in decoded)
    report = _report(digest, params, [item.row for item in kept], {"unusable": bad, **removed})
    report.write(output)
    return report


def _require_one_label(pictures: list[Decoded]) -> None:
    """Raise a UserError when the same file is both FAKE and REAL."""
    seen: dict[str, ManifestRow] = {}
    for item in pictures:
        other = seen.setdefault(item.row.sha256, item.row)
        if other.label != item.row.label:
            raise UserError(
                f"{_path(other)} and {_path(item.row)} are the same picture with both labels; "
                "remove the wrong one from the archive"
            )


def _without_leakage(pictures: list[Decoded]) -> tuple[list[Decoded], dict[str, list[str]]]:
    """Remove from train its duplicates and the pictures related to test, and flag the related test pictures.

    Returns:
        The remaining pictures, and the paths of the removed ones by reason.
    """
    pictures = sorted(pictures, key=lambda item: _path(item.row))
    in_test = {key for item in pictures if item.row.split == "test" for key in (item.row.sha256, item.row.group)}
    in_train = {key for item in pictures if item.row.split == "train" for key in (item.row.sha256, item.row.group)}
    kept: list[Decoded] = []
    removed: dict[str, list[str]] = {"leaked into test": [], "duplicate in train": []}
    seen: set[str] = set()
    for item in pictures:
        row = item.row
        if row.split == "test":
            leaked = row.sha256 in in_train or row.group in in_train
            kept.append(replace(item, row=replace(row, leaked=leaked)))
        elif row.sha256 in in_test or row.group in in_test:
            removed["leaked into test"].append(_path(row))
        elif row.sha256 in seen:
            removed["duplicate in train"].append(_path(row))
        else:
            seen.add(row.sha256)
            kept.append(item)
    return kept, removed


def _with_cifar_classes(pictures: list[Decoded]) -> list[Decoded]:
    """Add the CIFAR-10 subjects when file names tell at least two; numbers without any `(k)` tell none."""
    classes = [cifar_class_of(item.row.name) for item in pictures]
    if len(set(classes) - {""}) < 2:
        return pictures
    return [
        replace(item, row=replace(item.row, cifar_class=name)) for item, name in zip(pictures, classes, strict=True)
    ]


def _limited(pictures: list[Decoded], params: PreprocessParams) -> list[Decoded]:
    """Draw at most `max_per_class` pictures of each class from train and from test."""
    if params.max_per_class is None:
        return pictures
    generator = np.random.default_rng(params.seed)
    limited: list[Decoded] = []
    for split in ("train", "test"):
        for label in range(len(CLASSES)):
            members = [item for item in pictures if (item.row.split, item.row.label) == (split, label)]
            limited += [members[place] for place in generator.permutation(len(members))[: params.max_per_class]]
    return limited


def _split(pictures: list[Decoded], params: PreprocessParams) -> list[Decoded]:
    """Move random whole groups from train to val, class by class, until val has `val_fraction` of the class.

    A group with pictures of both classes (a photograph and a generated version of it) moves as a whole.
    """
    generator = np.random.default_rng(params.seed)
    val: set[str] = set()
    for label in range(len(CLASSES)):
        sizes = Counter(item.row.group for item in pictures if (item.row.split, item.row.label) == ("train", label))
        groups, wanted = sorted(set(sizes) - val), round(params.val_fraction * sizes.total())
        taken = sum(sizes[group] for group in val)
        for place in generator.permutation(len(groups)):
            if taken >= wanted:
                break
            val.add(groups[place])
            taken += sizes[groups[place]]
    return [
        replace(item, row=replace(item.row, split="val"))
        if item.row.split == "train" and item.row.group in val
        else item
        for item in pictures
    ]


def _require_pictures(pictures: list[Decoded]) -> None:
    """Raise a UserError when a split has no picture of a class."""
    counts = Counter((item.row.split, item.row.label) for item in pictures)
    for split in SPLITS:
        for label, name in enumerate(CLASSES):
            if not counts[split, label]:
                source = "test" if split == "test" else "train"
                raise UserError(
                    f"{split} has no usable {name} picture; add pictures to {source}/{name} in the archive, or "
                    "change preprocess.val_fraction or max_per_class"
                )


def _write_arrays(pictures: list[Decoded], raw_file: Path, size: int, output: Path) -> None:
    """Write the pictures, uint8 (N, size, size, 3), and labels, uint8 (N,), of each split as .npy files."""
    raw = np.memmap(raw_file, dtype=np.uint8, mode="r").reshape(-1, size, size, 3)
    for split in SPLITS:
        members = [item for item in pictures if item.row.split == split]
        with atomic_file(output / f"{split}_pictures.npy") as file:
            # Written in order instead of through a memory map, so that a full disk raises an error, not a signal.
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(members), size, size, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(members), CHUNK):
                file.write(raw[[item.place for item in members[start : start + CHUNK]]].tobytes())
        with atomic_file(output / f"{split}_labels.npy") as file:
            np.save(file, np.array([item.row.label for item in members], dtype=np.uint8), allow_pickle=False)


def _report(
    digest: str, params: PreprocessParams, rows: list[ManifestRow], removed: dict[str, list[str]]
) -> PreparationReport:
    """Summarise the kept pictures and those that were removed, by reason."""
    counts = Counter((row.split, row.label) for row in rows)
    return PreparationReport(
        digest=digest,
        params=flatten(params),
        pictures={split: {name: counts[split, label] for label, name in enumerate(CLASSES)} for split in SPLITS},
        real_share={split: round(counts[split, 1] / (counts[split, 0] + counts[split, 1]), 6) for split in SPLITS},
        groups={split: len({row.group for row in rows if row.split == split}) for split in SPLITS},
        test_leaked=sum(row.leaked for row in rows),
        test_duplicates=counts["test", 0]
        + counts["test", 1]
        - len({row.sha256 for row in rows if row.split == "test"}),
        removed={reason: RemovedPictures(len(names), tuple(names[:EXAMPLES])) for reason, names in removed.items()},
    )


def _path(row: ManifestRow) -> str:
    """Return the picture's path in the archive; pictures of val come from the archive's train."""
    return f"{'train' if row.split == 'val' else row.split}/{CLASSES[row.label]}/{row.name}"
