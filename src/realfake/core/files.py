"""Locate the project's folders, write files atomically, so that a kill leaves no partial file, and hold locks."""

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
    """Return the folder that contains dvc.yaml: the nearest one at or above the working directory.

    Raises:
        UserError: no dvc.yaml at or above the working directory.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    raise UserError(f"{here} is not inside the project: no dvc.yaml here or above; change into the project's folder")


def home() -> Path:
    """Return the folder of the checkout that keeps runs, caches and checkpoints.

    It is DVC_ROOT when that is set: `dvc exp run --temp` runs stages in a temporary folder that is deleted afterwards.
    """
    root = os.environ.get("DVC_ROOT")
    return Path(root) if root else workspace()


def state_folder(name: str) -> Path:
    """Return the git-ignored folder `.cache/<name>` for files that no stage declares; create it when missing."""
    folder = home() / ".cache" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def machine_folder(name: str) -> Path:
    """Return the user's folder `~/.cache/realfake/<name>`, which all checkouts share; create it if missing."""
    folder = Path("~/.cache/realfake").expanduser() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing bytes that replaces `path` when the block ends, and is discarded when the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut could leave the final name on an empty file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Create a temporary folder that replaces `path` when the block ends, and is deleted when the block fails.

    The .gitignore in `path` is kept: DVC writes it and git tracks it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if (path / ".gitignore").is_file():
            shutil.copyfile(path / ".gitignore", partial / ".gitignore")
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk of `folder` has `needed` bytes free.

    Raises:
        UserError: fewer bytes are free.
    """
    if (free := shutil.disk_usage(folder).free) < needed:
        space = f"{needed / 1e6:,.0f} MB of disk are needed and {free / 1e6:,.0f} MB are free"
        raise UserError(f"{space}; `make prune` removes old runs and caches")


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(value: Any) -> str:
    """Return a cache key of a JSON value: the first half of its SHA-256, 32 hex digits, whatever its keys' order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


@contextmanager
def exclusive_lock(name: str) -> Iterator[None]:
    """Hold the workspace's lock `name` during the block; print one line and wait while another process holds it.

    The operating system releases the lock when its process ends. After `kill -9` of dvc, the stage that it started goes
    on running: the lock keeps the next `dvc repro` from running the stage a second time into the same folder.
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
