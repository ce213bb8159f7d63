"""Decoding an archive's pictures in worker processes, with little memory whatever its size."""

import hashlib
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from realfake.core.environment import thread_count
from realfake.data.archive import RawPicture, read_archive
from realfake.data.dataset import ManifestRow, group_of
from realfake.data.images import PictureError, decode, to_source_size

CHUNK = 512
"""Pictures that travel to a worker at once: large enough that the transport costs little."""
Chunk = tuple[list[ManifestRow], list[str | None], bytes]
"""Of some pictures: their manifest rows, what is wrong with each, the pixels of the usable ones."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture of the archive: its manifest row and its place in the raw file, or why it cannot be used."""

    row: ManifestRow
    place: int
    problem: str | None


def decode_all(archive: Path, size: int, raw_file: Path) -> list[Decoded]:
    """Decode every picture of an archive in worker processes.

    Args:
        archive: a file or folder that `archive.read_archive` reads.
        size: side S of the decoded pictures in pixels.
        raw_file: the pixels of usable pictures go here, uint8 (S, S, 3) each, one after the other.

    Returns:
        An entry for each picture, in the order of the archive.
    """
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
            pixels.append(to_source_size(decode(picture.data), size).tobytes())
            problems.append(None)
        except PictureError as error:
            problems.append(str(error))
    return rows, problems, b"".join(pixels)
