"""Decode an archive's pictures in worker processes, with bounded memory for an archive of any size."""

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
"""Pictures sent to a worker at once: enough that the transfer costs little."""
Chunk = tuple[list[ManifestRow], list[str | None], bytes]
"""A decoded chunk: manifest rows, each picture's problem or None, and the pixels of the usable pictures."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Describe a picture of the archive after decoding."""

    row: ManifestRow
    place: int
    """Index of its pixels among the usable pictures in the raw file."""
    problem: str | None
    """Reason why it cannot be used; None for a usable picture."""


def decode_all(archive: Path, size: int, raw_file: Path) -> list[Decoded]:
    """Decode every picture of an archive in worker processes.

    Args:
        archive: a file or folder that `archive.read_archive` reads.
        size: side S of the decoded pictures in pixels.
        raw_file: file to write; it receives the pixels of the usable pictures, uint8 (S, S, 3) each, concatenated.

    Returns:
        An entry per picture, in the archive's order.
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
    """Decode chunks in order with a bounded number in flight, so that memory does not grow with the archive."""
    workers = thread_count()
    # Workers of a Pool exit when this process is killed. They ignore Ctrl-C, which this process handles.
    with get_context("forkserver").Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        in_flight = deque(pool.apply_async(_decode_chunk, (chunk, size)) for chunk in islice(chunks, 3 * workers))
        while in_flight:
            yield in_flight.popleft().get()
            in_flight.extend(pool.apply_async(_decode_chunk, (chunk, size)) for chunk in islice(chunks, 1))


def _chunks(pictures: Iterable[RawPicture]) -> Iterator[list[RawPicture]]:
    """Group pictures into lists of CHUNK."""
    source = iter(pictures)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _decode_chunk(pictures: list[RawPicture], size: int) -> Chunk:
    """Decode pictures to uint8 (size, size, 3); this is what a worker process runs."""
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
