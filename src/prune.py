"""Remove what has grown old: `python src/prune.py --older-than 30 [--dry-run]`.

Three things take space: MLflow runs, what the stages keep under .cache/ to be faster or to go on after a kill, and
DVC's cache. Nothing that the workspace, a commit or an experiment refers to is touched, and no registered model.
"""

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

from realfake.core.errors import UserError, run
from realfake.core.files import home
from realfake.core.subprocesses import dvc
from realfake.feature_cache.store import remove_entry
from realfake.tracking.run_link import run_of

KEPT = ("fetch", "locks", "runs", "sweeps")
"""Folders of .cache/ that are no cache: locks in use, a few bytes a model that say which run made it, studies."""
DAY = 24 * 60 * 60


def prune_caches(folder: Path, days: int, dry_run: bool) -> list[tuple[str, int]]:
    """Remove the entries `<area>/<entry>` of a cache folder that nothing has written or read for some days.

    Args:
        folder: the project's .cache/.
        days: how long an entry must have lain unused.
        dry_run: only say what would go.

    Returns:
        Name and size in bytes of each entry that is (or would be) removed.
    """
    areas = [area for area in sorted(folder.glob("*")) if area.is_dir() and area.name not in KEPT]
    removed = []
    for entry in (entry for area in areas for entry in sorted(area.iterdir()) if entry.suffix != ".lock"):
        files = [path.stat() for path in (entry, *entry.rglob("*")) if path.is_file()]
        last_use = max((max(file.st_mtime, file.st_atime) for file in files), default=entry.stat().st_mtime)
        if last_use >= time.time() - days * DAY:
            continue
        if dry_run or (remove_entry(entry) if entry.parent.name == "trunk" else _remove(entry)):
            removed.append((str(entry.relative_to(folder)), sum(file.st_size for file in files)))
    return removed


def prune_runs(days: int, dry_run: bool) -> list[str]:
    """Delete finished runs that started more than `days` ago, with their artifacts and logged models.

    Runs of registered models, the run of the present outputs/model, children of such runs and the log of promotions are
    kept, and so is all of a store other than the checkout's own mlflow.db.

    Returns:
        Names of the runs deleted (or, with `dry_run`, that would be).
    """
    from realfake.tracking.store import is_local, store

    if not is_local():
        print("runs: left alone, MLFLOW_TRACKING_URI names a store that others may share")
        return []

    horizon = int((time.time() - days * DAY) * 1000)
    deleted: list[str] = []
    with store(None) as client:
        kept = {model_version.run_id for model_version in client.search_model_versions()}
        if (home() / "outputs/model/model.keras").is_file() and (present := run_of(home() / "outputs/model")):
            kept.add(present.run_id)
        for experiment in client.search_experiments():
            place = [experiment.experiment_id]
            for run in client.search_runs(place, f"attributes.start_time < {horizon}", max_results=10_000):
                family = {run.info.run_id, run.data.tags.get("mlflow.parentRunId")}
                if "change" not in run.data.tags and not family & kept and run.info.status != "RUNNING":
                    deleted.append(run.info.run_name)
                    if not dry_run:
                        _delete(client, run)
    return deleted


def prune_dvc_cache(root: Path, dry_run: bool) -> int:
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


def _remove(entry: Path) -> bool:
    """Delete under another name, so that a kill half-way leaves nothing that passes for a whole entry."""
    doomed = entry.with_name(f".{entry.name}.pruned")
    entry.rename(doomed)
    if doomed.is_dir():
        shutil.rmtree(doomed)
    else:
        doomed.unlink()
    return True


def _delete(client: Any, run: Any) -> None:
    """Delete a run, its artifacts and the model it logged, which MLflow keeps in a folder of its own."""
    for model in client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"):
        client.delete_logged_model(model.model_id)
        shutil.rmtree(Path(model.artifact_location).parent, ignore_errors=True)
    client.delete_run(run.info.run_id)
    if Path(run.info.artifact_uri).is_dir():
        shutil.rmtree(Path(run.info.artifact_uri).parent, ignore_errors=True)


def main() -> None:
    """Read the command line, remove, and say what was freed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--older-than", type=int, default=30, metavar="DAYS", help="age in days (default 30)")
    parser.add_argument("--dry-run", action="store_true", help="remove nothing, only say what would go")
    arguments = parser.parse_args()
    if arguments.older_than < 0:
        raise UserError(f"--older-than {arguments.older_than} is no age; give days, 0 or more")
    days, dry_run = arguments.older_than, arguments.dry_run
    runs = prune_runs(days, dry_run)
    caches = prune_caches(home() / ".cache", days, dry_run)
    data = prune_dvc_cache(home(), dry_run)
    for name in (*(f"run {run_name}" for run_name in runs), *(f".cache/{name}" for name, _ in caches)):
        print(f"{'would remove' if dry_run else 'removed'} {name}")
    freed = (sum(size for _, size in caches) + data) / 1e6
    print(
        f"{'would free' if dry_run else 'freed'} {freed:,.1f} MB: {len(runs)} runs (their artifacts come on top) and "
        f"{len(caches)} cache entries older than {days} days, {data / 1e6:,.1f} MB of DVC data that no commit uses"
    )


if __name__ == "__main__":
    run(main)
