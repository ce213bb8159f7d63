"""What a run keeps to be brought back: its commit, params.yaml, data.dvc, dvc.lock and uncommitted work."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.core.cleanup import RemovedEntry, remove_unused_in
from realfake.core.environment import git_tags
from realfake.core.files import workspace
from realfake.core.subprocesses import git_or_none

FOLDER = "lineage"
"""Of a run's artifacts, and of .cache/, where the commands that bring a version back download it to."""
NEW_FILES = ("src", "recipes", "params.yaml", "dvc.yaml", "data.dvc")
"""Where new files belong to the work; elsewhere they may be anything, such as keys."""
LARGEST = 20_000_000
"""Bytes of uncommitted changes that are kept."""


def record(client: Any, run_id: str) -> None:
    """Keep with a run the commit, and what that does not tell: params.yaml, data.dvc, uncommitted work (changes.patch).

    That is what changed of the files that git knows, and new ones of NEW_FILES which it does not ignore. Every stage
    renews it, together with dvc.lock: the four must be of one moment to bring back what a later stage made of a model.
    """
    root = workspace()
    for name in ("params.yaml", "data.dvc"):
        if (root / name).is_file():
            client.log_artifact(run_id, str(root / name), FOLDER)
    patch = uncommitted(root)
    client.set_tag(run_id, "lineage_commit", git_tags().get("git_commit", "none"))
    client.set_tag(run_id, "lineage_dirty", str(bool(patch)).lower())
    if len(patch) > LARGEST:
        print(f"uncommitted changes of {len(patch) / 1e6:.0f} MB are not kept with the run; commit them", flush=True)
    elif patch:
        with TemporaryDirectory() as folder:
            Path(folder, "changes.patch").write_bytes(patch)
            client.log_artifact(run_id, str(Path(folder, "changes.patch")), FOLDER)


def record_lock(client: Any, run_id: str) -> None:
    """Keep dvc.lock with a run as it is now; DVC writes it when a stage has ended, so later stages renew it."""
    if (workspace() / "dvc.lock").is_file():
        client.log_artifact(run_id, str(workspace() / "dvc.lock"), FOLDER)


def uncommitted(root: Path) -> bytes:
    """Changes of the working tree against HEAD as `git apply` takes them, new files included.

    What the pipeline writes (dvc.lock, outputs) is no change. The index and the objects of the repository stay as
    they are. Empty without a commit to compare with.
    """
    with TemporaryDirectory() as scratch:
        objects = git_or_none(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        if objects is None or git_or_none(root, "rev-parse", "HEAD") is None:
            return b""
        aside = {
            "GIT_INDEX_FILE": f"{scratch}/index",
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects.decode().strip(),
        }
        place = ("--", ".", ":!dvc.lock", ":!outputs")
        git_or_none(root, "read-tree", "HEAD", **aside)
        git_or_none(root, "add", "--update", *place, **aside)
        for name in NEW_FILES:
            if (root / name).exists():
                git_or_none(root, "add", "--all", "--", name, **aside)
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
        return git_or_none(root, "diff", "--cached", "--binary", "--relative", *plain, "HEAD", *place, **aside) or b""


def remove_older(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove downloaded lineage that nobody has used for some days; see `cleanup.remove_unused`."""
    return remove_unused_in(FOLDER, days, dry_run)
