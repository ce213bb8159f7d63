"""From an archive to prepared arrays: decode in parallel, find duplicates and leakage, split, write."""

import hashlib
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from realfake.config.schema import PreprocessParams, flatten
from realfake.core.environment import thread_count
from realfake.core.errors import UserError
from realfake.core.files import atomic_file
from realfake.core.json_files import write_json
from realfake.data.archive import RawPicture, content_digest, read_archive
from realfake.data.dataset import CLASSES, SPLITS, ManifestRow, cifar_class_of, group_of, write_manifest
from realfake.data.images import PictureError, decode, to_source

CHUNK = 512
"""Pictures that travel to a worker at once: large enough that the transport costs little."""
EXAMPLES = 20
"""Names listed in the report for each reason of removal."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture of the archive: its manifest row and its place in the raw file, or why it cannot be used."""

    row: ManifestRow
    place: int
    problem: str | None


def prepare(archive: Path, params: PreprocessParams, output: Path) -> dict[str, Any]:
    """Write the prepared arrays, manifest and report of an archive into `output`.

    Exact duplicates are removed within train. A train picture that also stands in test, or was cut from a photograph
    that test was cut from, is removed from train, and its test pictures are flagged `leaked`. Splits are stratified by
    class; pictures of one photograph never straddle the border of train and val.

    Args:
        archive: a file or folder that `archive.read_archive` reads.
        params: the preprocess group.
        output: an existing empty folder.

    Returns:
        The report that is also written to `report.json`.

    Raises:
        UserError: an unusable picture (`bad_pictures: stop`), one picture under both labels, an empty class.
    """
    raw_file = output / "decoded.raw"
    decoded = _decode_all(archive, params.size, raw_file)
    usable = [item for item in decoded if item.problem is None]
    bad = [f"{_path(item.row)}: {item.problem}" for item in decoded if item.problem is not None]
    if bad and params.bad_pictures == "stop":
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise UserError(f"{archive.name}: {bad[0]}{more}; repair or remove it, or set preprocess.bad_pictures: skip")
    _refuse_contradictions(usable)
    kept, removed = _without_leakage(usable)
    kept = _split(_limited(_with_cifar_classes(kept), params), params)
    _refuse_empty(kept)
    kept.sort(key=lambda item: (SPLITS.index(item.row.split), _path(item.row)))
    _write_arrays(kept, raw_file, params.size, output)
    raw_file.unlink()
    write_manifest(output / "manifest.csv", (item.row for item in kept))
    digest = content_digest((_path(item.row), item.row.sha256) for item in decoded)
    report = {"digest": digest, "params": flatten(params), **_report(kept, {"unusable": bad, **removed})}
    write_json(output / "report.json", report)
    return report


def _decode_all(archive: Path, size: int, raw_file: Path) -> list[Decoded]:
    """Decode every picture in worker processes; pixels go to `raw_file`, in the order of the result."""
    decoded: list[Decoded] = []
    place = 0
    with raw_file.open("wb") as raw, tqdm(desc="decoding", unit=" pictures", leave=False, disable=None) as bar:
        for rows, problems, pixels in _parallel(_chunks(read_archive(archive)), size):
            raw.write(pixels)
            for row, problem in zip(rows, problems, strict=True):
                decoded.append(Decoded(row, place, problem))
                place += problem is None
            bar.update(len(rows))
    return decoded


Chunk = tuple[list[ManifestRow], list[str | None], bytes]


def _parallel(chunks: Iterator[list[RawPicture]], size: int) -> Iterator[Chunk]:
    """Decode chunks in order with a bounded number in flight, so memory stays flat for any archive."""
    workers = thread_count()
    # A plain pool: its workers end by themselves when this process is killed; Ctrl-C is for this process alone.
    with get_context("forkserver").Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        waiting = deque(pool.apply_async(_decode_chunk, (chunk, size)) for chunk in islice(chunks, 3 * workers))
        while waiting:
            yield waiting.popleft().get()
            waiting.extend(pool.apply_async(_decode_chunk, (chunk, size)) for chunk in islice(chunks, 1))


def _chunks(pictures: Iterable[RawPicture]) -> Iterator[list[RawPicture]]:
    source = iter(pictures)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _decode_chunk(pictures: list[RawPicture], size: int) -> Chunk:
    rows: list[ManifestRow] = []
    problems: list[str | None] = []
    pixels: list[bytes] = []
    for picture in pictures:
        sha256 = hashlib.sha256(picture.data).hexdigest()
        group = group_of(picture.name, sha256)
        rows.append(ManifestRow(picture.split, picture.label, picture.name, sha256, group, "", False))
        try:
            pixels.append(to_source(decode(picture.data), size).tobytes())
            problems.append(None)
        except PictureError as error:
            problems.append(str(error))
    return rows, problems, b"".join(pixels)


def _refuse_contradictions(pictures: list[Decoded]) -> None:
    seen: dict[str, ManifestRow] = {}
    for item in pictures:
        other = seen.setdefault(item.row.sha256, item.row)
        if other.label != item.row.label:
            raise UserError(
                f"{_path(other)} and {_path(item.row)} are the same picture under both labels; "
                "remove the wrong one from the archive"
            )


def _without_leakage(pictures: list[Decoded]) -> tuple[list[Decoded], dict[str, list[str]]]:
    """Drop train's duplicates and what test also has; flag test's side of it."""
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
    """Name CIFAR classes where the file names tell them: numbered names alone, without any `(k)`, do not."""
    classes = [cifar_class_of(item.row.name) for item in pictures]
    if len(set(classes) - {""}) < 2:
        return pictures
    return [
        replace(item, row=replace(item.row, cifar_class=name)) for item, name in zip(pictures, classes, strict=True)
    ]


def _limited(pictures: list[Decoded], params: PreprocessParams) -> list[Decoded]:
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
    """Move whole groups of train to val, class by class, until val has its fraction of the class.

    A group with pictures of both classes (a photograph and what a generator made of it) moves with all of them.
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


def _refuse_empty(pictures: list[Decoded]) -> None:
    counts = Counter((item.row.split, item.row.label) for item in pictures)
    for split in SPLITS:
        for label, name in enumerate(CLASSES):
            if not counts[split, label]:
                source = "test" if split == "test" else "train"
                raise UserError(
                    f"{split} has no usable {name} picture; put more pictures into {source}/{name} of the archive, or "
                    "change preprocess.val_fraction or max_per_class"
                )


def _write_arrays(pictures: list[Decoded], raw_file: Path, size: int, output: Path) -> None:
    raw = np.memmap(raw_file, dtype=np.uint8, mode="r").reshape(-1, size, size, 3)
    for split in SPLITS:
        members = [item for item in pictures if item.row.split == split]
        with atomic_file(output / f"{split}_pictures.npy") as file:
            # written in order, not through a memory map: a full disk is then an error instead of a crash
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(members), size, size, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(members), CHUNK):
                file.write(raw[[item.place for item in members[start : start + CHUNK]]].tobytes())
        with atomic_file(output / f"{split}_labels.npy") as file:
            np.save(file, np.array([item.row.label for item in members], dtype=np.uint8), allow_pickle=False)


def _report(pictures: list[Decoded], removed: dict[str, list[str]]) -> dict[str, Any]:
    rows = [item.row for item in pictures]
    counts = Counter((row.split, row.label) for row in rows)
    return {
        "pictures": {s: {name: counts[s, label] for label, name in enumerate(CLASSES)} for s in SPLITS},
        "real_share": {s: round(counts[s, 1] / (counts[s, 0] + counts[s, 1]), 6) for s in SPLITS},
        "groups": {split: len({row.group for row in rows if row.split == split}) for split in SPLITS},
        "test_leaked": sum(row.leaked for row in rows),
        "test_duplicates": counts["test", 0] + counts["test", 1] - len({r.sha256 for r in rows if r.split == "test"}),
        "removed": {reason: {"count": len(names), "examples": names[:EXAMPLES]} for reason, names in removed.items()},
    }


def _path(row: ManifestRow) -> str:
    """The picture's path in the archive; val is cut from the archive's train."""
    return f"{'train' if row.split == 'val' else row.split}/{CLASSES[row.label]}/{row.name}"
