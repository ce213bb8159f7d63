"""data/ and its version in data.dvc, changed together: a failure or a kill leaves, or brings back, what was there."""

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
"""In .cache/: what a change of data/ works with, and the data that it has set aside."""
POINTER = "remote/sample.dvc"
"""The data.dvc of the embedded sample."""


@contextmanager
def replacing_data(root: Path) -> Iterator[None]:
    """Let the block replace data/, alone and after an undone change that was killed before.

    Raises:
        UserError: data/ holds pictures of which DVC has no copy.
    """
    with exclusive_lock("fetch"):
        undo_interrupted_change(root)
        require_versioned(root)
        yield


def install_data(root: Path, incoming: Path) -> None:
    """Make the folder `incoming` the data/ of the project at `root`, and version it."""
    with data_set_aside(root):
        incoming.rename(root / "data")
        _dvc(root, "add", "data", "--quiet")
        # `dvc add` keeps this line, and `dvc push` would then write the data into the repository.
        text = re.sub(r"^ +remote: embedded\n", "", (root / "data.dvc").read_text(), flags=re.MULTILINE)
        (root / "data.dvc").write_text(text)


def restore_sample(root: Path) -> None:
    """Bring the embedded sample back into data/.

    Raises:
        UserError: its pointer or its pictures are not there, or data/ holds pictures of which DVC has no copy.
    """
    with replacing_data(root):
        if not (root / POINTER).is_file():
            raise UserError(f"{POINTER} is missing; `git checkout {POINTER}` brings it back")
        with data_set_aside(root):
            shutil.copyfile(root / POINTER, root / "data.dvc")
            _dvc(root, "pull", "data.dvc", "--quiet")


@contextmanager
def data_set_aside(root: Path) -> Iterator[None]:
    """Set data/ and data.dvc aside while the block makes new ones; they come back when it fails."""
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
    """Undo a change of data/ that was killed, if there was one."""
    if (state_folder(FOLDER) / "aside").exists():
        _dvc(root, "--wait-for-lock", "status")  # the DVC that the killed one had started lives on for a moment
    restore_data(root)


def restore_data(root: Path) -> None:
    """Undo a change of data/ that failed or was killed; its last step is the one that marks it as undone."""
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
    """Refuse to replace pictures of which DVC has no copy."""
    if not any((root / "data").rglob("*")):
        return
    if not (root / "data.dvc").exists() or json.loads(_dvc(root, "status", "data.dvc", "--json")):
        raise UserError("data/ holds what data.dvc does not know; keep it with `dvc add data`, or move it away")


def remove_unreferenced(root: Path, dry_run: bool) -> int:
    """Remove from DVC's cache what neither the workspace nor any commit or experiment refers to.

    Every commit counts, not only branch tips: data that was brought from elsewhere may lie in no remote.

    Returns:
        The bytes that are (or would be) freed.

    Raises:
        UserError: DVC refused.
    """
    collect = ("gc", "--workspace", "--all-commits", "--all-experiments")
    listing = dvc(root, *collect, "--dry").text
    paths = [Path(line.removeprefix("Removing ")) for line in listing.splitlines() if line.startswith("Removing ")]
    freed = sum(path.stat().st_size for path in paths if path.is_file())
    if paths and not dry_run:
        dvc(root, *collect, "--force", "--quiet")
    return freed


def _dvc(root: Path, *arguments: str) -> str:
    """Return what DVC writes; where it fails, the error also says that nothing has changed."""
    try:
        return dvc(root, *arguments).text
    except UserError as error:
        raise UserError(f"{error}; data/ and data.dvc are as they were") from None
