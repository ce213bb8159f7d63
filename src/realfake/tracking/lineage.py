"""Record a run's lineage, which reproduces it: commit, params.yaml, data.dvc, dvc.lock and uncommitted changes."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.core.cleanup import RemovedEntry, remove_unused_in
from realfake.core.environment import git_tags
from realfake.core.files import workspace
from realfake.core.subprocesses import git_or_none

FOLDER = "lineage"
"""Folder of the lineage among a run's artifacts, and in .cache/ once it has been downloaded to reproduce a version."""
NEW_FILE_PATHS = ("src", "recipes", "params.yaml", "dvc.yaml", "data.dvc")
"""Paths whose new, untracked files are recorded; elsewhere such files may be private, for example keys."""
MAX_PATCH_BYTES = 20_000_000
"""Largest patch of uncommitted changes that is recorded, in bytes."""


def record(client: Any, run_id: str) -> None:
    """Log to a run the commit, params.yaml, data.dvc and the uncommitted changes (changes.patch).

    Every stage renews them together with dvc.lock: only four that belong together reproduce what a later stage made
    of a model.
    """
    root = workspace()
    for name in ("params.yaml", "data.dvc"):
        if (root / name).is_file():
            client.log_artifact(run_id, str(root / name), FOLDER)
    patch = uncommitted_patch(root)
    client.set_tag(run_id, "lineage_commit", git_tags().get("git_commit", "none"))
    client.set_tag(run_id, "lineage_dirty", str(bool(patch)).lower())
    if len(patch) > MAX_PATCH_BYTES:
        print(f"uncommitted changes of {len(patch) / 1e6:.0f} MB are not kept with the run; commit them", flush=True)
    elif patch:
        with TemporaryDirectory() as folder:
            Path(folder, "changes.patch").write_bytes(patch)
            client.log_artifact(run_id, str(Path(folder, "changes.patch")), FOLDER)


def record_lock(client: Any, run_id: str) -> None:
    """Log the present dvc.lock to a run. DVC writes it after a stage has ended, so each later stage logs it again."""
    if (workspace() / "dvc.lock").is_file():
        client.log_artifact(run_id, str(workspace() / "dvc.lock"), FOLDER)


def uncommitted_patch(root: Path) -> bytes:
    """Return the changes of the working tree since HEAD as a patch for `git apply`; empty where there is no commit.

    The patch holds changed tracked files, and new files of NEW_FILE_PATHS that git does not ignore. What the pipeline
    writes (dvc.lock, outputs) is left out. The repository's index and objects are not touched.
    """
    with TemporaryDirectory() as scratch:
        objects = git_or_none(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        if objects is None or git_or_none(root, "rev-parse", "HEAD") is None:
            return b""
        scratch_index = {
            "GIT_INDEX_FILE": f"{scratch}/index",
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects.decode().strip(),
        }
        paths = ("--", ".", ":!dvc.lock", ":!outputs")
        git_or_none(root, "read-tree", "HEAD", **scratch_index)
        git_or_none(root, "add", "--update", *paths, **scratch_index)
        for name in NEW_FILE_PATHS:
            if (root / name).exists():
                git_or_none(root, "add", "--all", "--", name, **scratch_index)
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
        command = ("diff", "--cached", "--binary", "--relative", *plain, "HEAD", *paths)
        return git_or_none(root, *command, **scratch_index) or b""


def remove_older(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove downloaded lineage that was not used for `days` days; see `cleanup.remove_unused`."""
    return remove_unused_in(FOLDER, days, dry_run)
