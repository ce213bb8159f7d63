"""Bring CIFAKE, or your own pictures, into data/ and version them with DVC; or go back to the embedded sample.

Whatever the source, data/ ends up with one archive whose bytes depend on the pictures alone. A kill at any moment
leaves the data that was there, or lets the next start bring it back.
"""

import argparse
import hashlib
import multiprocessing
import os
import shutil
import signal
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from tqdm import tqdm

from realfake.core.errors import UserError, one_line, run
from realfake.core.files import exclusive, state_folder, workspace
from realfake.data.archive import CIFAKE_DIGESTS, LAYOUT, RawPicture, content_digest, read_archive, write_archive
from realfake.data.dataset import CLASSES
from realfake.data.images import PictureError, decode
from realfake.data.versioning import install, recover, require_versioned, restore_sample

KAGGLE_NAME = "birdy654/cifake-real-and-ai-generated-synthetic-images"
KAGGLE_SPACE = 10**9
"""Bytes of disk that CIFAKE takes on its way: the download, 120,000 small files, the archive and DVC's copy."""
ARCHIVE = "pictures.tar.gz"
"""One name for every source, so that the same pictures give the same data.dvc."""
BATCH = 512
"""Pictures checked at once by a worker."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A picture whose bytes wait in the spool file."""

    picture: RawPicture
    """With empty data."""
    sha256: str
    start: int
    size: int


def fetch(source: Path, skip_unreadable: bool) -> None:
    """Check all pictures of a source, pack them into one archive and make it the project's data.

    Args:
        source: a folder or archive that `read_archive` reads.
        skip_unreadable: leave out files that are no picture instead of stopping.

    Raises:
        UserError: bad layout, an unreadable picture, an empty class, too little space, or DVC refuses.
    """
    work, strays = state_folder("fetch") / "work", list[str]()
    spool, incoming = work / "spool", work / "data"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        if source.exists():
            require_space(work, needed_space(source))
        with spool.open("wb") as file:
            pictures = spool_pictures(read_archive(source, strays), file)
        pictures = readable_pictures(spool, pictures, skip_unreadable)
        require_classes(pictures)
        write_archive(incoming / ARCHIVE, progress(unspool(spool, pictures), "packing", len(pictures)))
        spool.unlink()  # makes room for the copy that DVC keeps
        install(workspace(), incoming)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if strays:
        print(f"left out: {len(strays):,} files outside {LAYOUT} ({', '.join(strays[:3])})")
    print_summary(pictures)


def spool_pictures(pictures: Iterable[RawPicture], file: BinaryIO) -> list[Spooled]:
    """Write the pictures' bytes one after another, for sources give them in any order; sorted by path."""
    spooled, start = list[Spooled](), 0
    for picture in progress(pictures, "reading"):
        file.write(picture.data)
        digest = hashlib.sha256(picture.data).hexdigest()
        spooled.append(Spooled(replace(picture, data=b""), digest, start, len(picture.data)))
        start += len(picture.data)
    return sorted(spooled, key=lambda item: item.picture.path)


def unspool(spool: Path, pictures: Iterable[Spooled]) -> Iterator[RawPicture]:
    """The pictures with their bytes, in the order given."""
    with spool.open("rb") as file:
        for item in pictures:
            file.seek(item.start)
            yield replace(item.picture, data=file.read(item.size))


def readable_pictures(spool: Path, pictures: list[Spooled], skip_unreadable: bool) -> list[Spooled]:
    """Decode every picture, on all cores; stop at unreadable ones, or leave them out and name them."""
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    # A plain pool: its workers end by themselves when this process is killed.
    ignore_interrupt = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with multiprocessing.get_context("forkserver").Pool(os.cpu_count(), ignore_interrupt) as pool:
        found = pool.imap(partial(unreadable, spool), batches)
        problems = dict(pair for batch in progress(found, "checking", len(batches), " batches") for pair in batch)
    if not problems:
        return pictures
    examples = "; ".join(f"{path}: {problem}" for path, problem in list(problems.items())[:3])
    count = f"{len(problems):,} of {len(pictures):,} pictures cannot be read ({examples})"
    if not skip_unreadable:
        raise UserError(f"{count}; mend or remove them, or leave them out with --skip-unreadable")
    print(f"left out: {count}")
    return [item for item in pictures if item.picture.path not in problems]


def unreadable(spool: Path, pictures: list[Spooled]) -> list[tuple[str, str]]:
    """Paths of the pictures that do not decode, each with the reason."""
    problems = []
    for picture in unspool(spool, pictures):
        try:
            decode(picture.data)
        except PictureError as error:
            problems.append((picture.path, str(error)))
    return problems


def require_classes(pictures: list[Spooled]) -> None:
    """Refuse data without pictures of both classes in train and in test."""
    places = {item.picture.path.rpartition("/")[0] for item in pictures}
    wanted = {f"{split}/{name}" for split in ("train", "test") for name in CLASSES}
    if missing := sorted(wanted - places):
        raise UserError(f"no pictures in {', '.join(missing)}; both classes are needed in train and in test")


def needed_space(source: Path) -> int:
    """Bytes that reading a source takes on disk: the pictures unpacked once, then the archive and DVC's copy of it."""
    if source.is_dir():
        return 2 * sum(file.lstat().st_size for file in source.rglob("*"))
    # CIFAKE's pictures are three times as large as their .tar.gz: the JPEG headers are all alike.
    return (5 if source.name.lower().endswith("gz") else 2) * source.stat().st_size


def require_space(folder: Path, needed: int) -> None:
    """Refuse to start what would fill the disk."""
    if (free := shutil.disk_usage(folder).free) < needed:
        space = f"{needed / 1e6:,.0f} MB of disk are needed and {free / 1e6:,.0f} MB are free"
        raise UserError(f"{space}; `make prune` removes old runs and caches")


def download() -> Path:
    """Download CIFAKE from Kaggle; a download that was cut off goes on. Public data needs no account as a rule."""
    state = state_folder("fetch")
    require_space(state, KAGGLE_SPACE)
    os.environ.setdefault("KAGGLEHUB_CACHE", str(state / "kagglehub"))
    os.environ.setdefault("KAGGLEHUB_VERBOSITY", "warning")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_MININTERVAL", "10")
    print(f"downloading {KAGGLE_NAME} from Kaggle", flush=True)
    import kagglehub
    import requests
    from kagglehub.exceptions import CredentialError, DataCorruptionError

    try:
        return Path(kagglehub.dataset_download(KAGGLE_NAME))
    except requests.HTTPError as error:
        reason = f"Kaggle refused ({one_line(error)})"
    except requests.RequestException as error:
        reason = f"no connection to Kaggle ({type(error).__name__})"
    except (CredentialError, DataCorruptionError, ValueError, zipfile.BadZipFile) as error:
        reason = one_line(error)
    raise UserError(
        f"{reason}; run it again to go on, or give a token from kaggle.com/settings/api (in KAGGLE_API_TOKEN or "
        "~/.kaggle/access_token), or take a copy with --from PATH, or the small sample with --sample"
    )


def progress(items: Iterable[Item], what: str, total: int | None = None, unit: str = " pictures") -> Iterable[Item]:
    """A bar on a terminal, one line elsewhere."""
    if not sys.stderr.isatty():
        print(what, flush=True)
    return tqdm(items, desc=what, total=total, unit=unit, leave=False, disable=None)


def print_summary(pictures: list[Spooled]) -> None:
    """Say what data/ holds now, and whether it is CIFAKE as its authors released it."""
    counts = Counter((item.picture.split, item.picture.label) for item in pictures)
    for split in ("train", "test"):
        print(f"  {split:<6}" + "  ".join(f"{name} {counts[split, label]:>7,}" for label, name in enumerate(CLASSES)))
    entries = [(item.picture.path, item.sha256) for item in pictures]
    digest = content_digest(entries)
    print(f"content digest {digest}: {'' if digest in CIFAKE_DIGESTS else 'not '}the authors' full release of CIFAKE")
    for split in ("train", "test"):
        known = CIFAKE_DIGESTS.get(content_digest(entry for entry in entries if entry[0].startswith(split)))
        if known and digest not in CIFAKE_DIGESTS:
            print(f"  {split} is {known}")
    print(f"data/{ARCHIVE} is versioned in data.dvc; `dvc repro` goes on from here, --sample goes back")


def main() -> None:
    """Fetch as the command line says."""
    parser = argparse.ArgumentParser(description="Bring CIFAKE (from Kaggle) or your own pictures into data/.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--from", dest="source", type=Path, metavar="PATH", help=f"a folder, .zip or .tar.gz: {LAYOUT}")
    choice.add_argument("--sample", action="store_true", help="go back to the embedded sample")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out files that are no picture")
    options = parser.parse_args()
    with exclusive("fetch"):
        recover(workspace())
        require_versioned(workspace())
        if options.sample:
            restore_sample(workspace())
            print("data/ holds the embedded sample again; `dvc repro` goes on from here")
            return
        fetch(options.source or download(), options.skip_unreadable)
        shutil.rmtree(state_folder("fetch") / "kagglehub", ignore_errors=True)


if __name__ == "__main__":
    run(main)
