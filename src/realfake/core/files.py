"""Where the project's files lie, and how they are written so that a kill leaves nothing half-written."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from realfake.core.errors import UserError


def workspace() -> Path:
    """The folder that holds dvc.yaml: the nearest at or above the working directory.

    Raises:
        UserError: no dvc.yaml at or above the working directory.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    raise UserError(f"{here} is not inside the project: no dvc.yaml here or above; change into the project's folder")


def home() -> Path:
    """The checkout that keeps runs, caches and checkpoints.

    `dvc exp run --temp` runs the stages in a folder that is deleted afterwards; DVC_ROOT names the real checkout.
    """
    root = os.environ.get("DVC_ROOT")
    return Path(root) if root else workspace()


def state_folder(name: str) -> Path:
    """A git-ignored folder `.cache/<name>` of the checkout for what no stage declares; made when missing."""
    folder = home() / ".cache" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def machine_folder(name: str) -> Path:
    """A folder `~/.cache/realfake/<name>` for what all checkouts of a user on this machine share; made when missing."""
    folder = Path("~/.cache/realfake").expanduser() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears whole when the block ends, and not at all when the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave the new name on an empty file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that replaces `path` (but its .gitignore) when the block ends, and vanishes when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if (path / ".gitignore").is_file():  # DVC's, which git tracks
            shutil.copyfile(path / ".gitignore", partial / ".gitignore")
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_space(folder: Path, needed: int) -> None:
    """Refuse to start what would fill the disk that holds `folder`.

    Raises:
        UserError: fewer than `needed` bytes are free.
    """
    if (free := shutil.disk_usage(folder).free) < needed:
        space = f"{needed / 1e6:,.0f} MB of disk are needed and {free / 1e6:,.0f} MB are free"
        raise UserError(f"{space}; `make prune` removes old runs and caches")


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(value: Any) -> str:
    """What a JSON value is kept under: half of its SHA-256, as 32 hex digits; the order of names does not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


@contextmanager
def exclusive_lock(name: str) -> Iterator[None]:
    """Hold the workspace's lock `name`; waits, after one line, while another process holds it.

    The operating system frees the lock when its holder dies. After `kill -9` of dvc the stage it started lives on:
    the next `dvc repro` must not run a second one into the same folder.
    """
    folder = workspace() / ".cache" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / f"{name}.pid"
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text().strip() if holder.is_file() else "unknown"
        print(f"{name} already runs here (process {pid}); waiting for it to end", flush=True)
        lock.acquire()
    try:
        holder.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()
