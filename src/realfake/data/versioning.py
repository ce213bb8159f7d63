"""Change data/ and its version in data.dvc together, so that a failure or a kill leaves the previous state."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realfake.core.errors import UserError
from realfake.core.files import exclusive_lock, state_folder
from realfake.core.subprocesses import dvc

FOLDER = "fetch"
"""Folder in .cache/ with the working files of a change of data/, and with the previous data while it is set aside."""
POINTER = "remote/sample.dvc"
"""The data.dvc file of the embedded sample."""


@contextmanager
def replacing_data(root: Path) -> Iterator[None]:
    """Hold the lock on data/ during the block; before it, undo an earlier change that was killed.

    Raises:
        UserError: data/ contains pictures of which DVC has no copy.
    """
    with exclusive_lock("fetch"):
        undo_interrupted_change(root)
        require_versioned(root)
        yield


def install_data(root: Path, incoming: Path) -> None:
    """Replace data/ of the project at `root` by the folder `incoming`, and version it with DVC."""
    with data_set_aside(root):
        incoming.rename(root / "data")
        _dvc(root, "add", "data", "--quiet")
        # `dvc add` keeps this line of the sample, and `dvc push` would then copy the data into the repository.
        text = re.sub(r"^ +remote: embedded\n", "", (root / "data.dvc").read_text(), flags=re.MULTILINE)
        (root / "data.dvc").write_text(text)


def restore_sample(root: Path) -> None:
    """Replace data/ by the embedded sample.

    Raises:
        UserError: the sample's .dvc file or pictures are missing, or data/ contains pictures of which DVC has no copy.
    """
    with replacing_data(root):
        if not (root / POINTER).is_file():
            raise UserError(f"{POINTER} is missing; `git checkout {POINTER}` restores it")
        with data_set_aside(root):
            shutil.copyfile(root / POINTER, root / "data.dvc")
            _dvc(root, "pull", "data.dvc", "--quiet")


@contextmanager
def data_set_aside(root: Path) -> Iterator[None]:
    """Set data/ and data.dvc aside while the block makes new ones; restore them when the block fails."""
    data, pointer, aside = root / "data", root / "data.dvc", state_folder(FOLDER) / "aside"
    data.mkdir(exist_ok=True)
    aside.mkdir()
    if pointer.exists():
        shutil.copyfile(pointer, aside / "data.dvc")
    data.rename(aside / "data")
    try:
        yield
    except BaseException:
        restore_data(root)
        raise
    shutil.rmtree(aside.rename(aside.with_name("done")))


def undo_interrupted_change(root: Path) -> None:
    """Undo an earlier change of data/ that was killed, if there was one."""
    if (state_folder(FOLDER) / "aside").exists():
        _dvc(root, "--wait-for-lock", "status")  # a DVC started by the killed process may still be running
    restore_data(root)


def restore_data(root: Path) -> None:
    """Restore data/ and data.dvc as they were set aside; a kill during it only makes the next start repeat it."""
    aside = state_folder(FOLDER) / "aside"
    shutil.rmtree(aside.with_name("done"), ignore_errors=True)
    if (aside / "data").exists():
        shutil.rmtree(root / "data", ignore_errors=True)
        (root / "data.dvc").unlink(missing_ok=True)
        if (aside / "data.dvc").exists():
            shutil.copyfile(aside / "data.dvc", root / "data.dvc")
        (aside / "data").rename(root / "data")
    shutil.rmtree(aside, ignore_errors=True)


def require_versioned(root: Path) -> None:
    """Check that DVC has a copy of all pictures in data/.

    Raises:
        UserError: data/ is not what data.dvc describes.
    """
    if not any((root / "data").rglob("*")):
        return
    if not (root / "data.dvc").exists() or json.loads(_dvc(root, "status", "data.dvc", "--json")):
        raise UserError(
            "data/ contains files that data.dvc does not describe; keep them with `dvc add data`, or move them away"
        )


def remove_unreferenced(root: Path, dry_run: bool) -> int:
    """Remove files from DVC's cache that neither the workspace nor any commit or experiment refers to.

    All commits count, not only the tips of branches, because imported data may have no copy in a remote.

    Returns:
        The bytes that are (or would be) freed.

    Raises:
        UserError: DVC failed.
    """
    collect = ("gc", "--workspace", "--all-commits", "--all-experiments")
    listing = dvc(root, *collect, "--dry").text
    paths = [Path(line.removeprefix("Removing ")) for line in listing.splitlines() if line.startswith("Removing ")]
    freed = sum(path.stat().st_size for path in paths if path.is_file())
    if paths and not dry_run:
        dvc(root, *collect, "--force", "--quiet")
    return freed


def _dvc(root: Path, *arguments: str) -> str:
    """Run DVC and return its output; its error also says that data/ and data.dvc are unchanged."""
    try:
        return dvc(root, *arguments).text
    except UserError as error:
        raise UserError(f"{error}; data/ and data.dvc are unchanged") from None
