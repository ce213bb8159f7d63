"""Remove old runs, cache entries and unreferenced data: each store removes its own old entries."""

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from realfake.core.cleanup import DAY, RemovedEntry, remove_unused_in
from realfake.core.files import home
from realfake.core.uris import local_path
from realfake.data import ingest, versioning
from realfake.feature_cache import store as feature_cache
from realfake.tracking import lineage
from realfake.tracking.run_link import find_run_link
from realfake.tracking.store import PERMANENT_TAG, is_local, open_store
from realfake.training import checkpoint

TOOL_FOLDERS = ("bench", "sample")
"""Folders of .cache/ in which benchmarks/ and sample/make.py work, which are outside the library."""

RemoveOlder = Callable[[int, bool], list[RemovedEntry]]
"""A function that removes a store's entries that were not used for a number of days; if its flag is set, a dry run."""
REMOVERS: tuple[RemoveOlder, ...] = (
    checkpoint.remove_older,
    ingest.remove_leftovers,
    lineage.remove_older,
    feature_cache.remove_older,
    *(partial(remove_unused_in, name) for name in TOOL_FOLDERS),
)


def prune(days: int, dry_run: bool) -> Iterator[str]:
    """Remove old runs and cache entries, and DVC data that no commit uses; yield a line about each, and a summary.

    Args:
        days: the least age of runs, and the least time since the last use of cache entries.
        dry_run: remove nothing, only report what would be removed.

    Raises:
        UserError: MLflow's store cannot be used, or DVC failed.
    """
    if not is_local():
        yield "runs: none are removed, since MLFLOW_TRACKING_URI names a store that others may share"
    runs = remove_runs(days, dry_run)
    entries = [entry for remove_older in REMOVERS for entry in remove_older(days, dry_run)]
    data = versioning.remove_unreferenced(home(), dry_run)
    for name in (*(f"run {run}" for run in runs), *(entry.name for entry in entries)):
        yield f"{'would remove' if dry_run else 'removed'} {name}"
    freed = (sum(entry.size for entry in entries) + data) / 1e6
    yield (
        f"{'would free' if dry_run else 'freed'} {freed:,.1f} MB: {len(runs)} runs (their artifacts are not counted) "
        f"and {len(entries)} cache entries older than {days} days, {data / 1e6:,.1f} MB of DVC data that no commit uses"
    )


def remove_runs(days: int, dry_run: bool) -> list[str]:
    """Delete finished runs that started more than `days` days ago, with their artifacts and logged models.

    Runs of registered models, the run of the present outputs/model, children of such runs and the history of promotions
    are kept. In a store other than the checkout's own mlflow.db all runs are kept.

    Returns:
        Names of the runs that were deleted or, with `dry_run`, would be.
    """
    if not is_local():
        return []
    with open_store(None) as client:
        old = list(_removable(client, int((time.time() - days * DAY) * 1000)))
        for run in () if dry_run else old:
            _delete(client, run)
    return [run.info.run_name for run in old]


def _removable(client: Any, horizon: int) -> Iterator[Any]:
    """Yield the runs that may be deleted and started before `horizon`, in milliseconds since 1970."""
    kept = {model_version.run_id for model_version in client.search_model_versions()}
    if present := find_run_link(home() / "outputs/model"):
        kept.add(present.run_id)
    for experiment in client.search_experiments():
        experiment_ids = [experiment.experiment_id]
        for run in client.search_runs(experiment_ids, f"attributes.start_time < {horizon}", max_results=10_000):
            family = {run.info.run_id, run.data.tags.get("mlflow.parentRunId")}
            if PERMANENT_TAG not in run.data.tags and not family & kept and run.info.status != "RUNNING":
                yield run


def _delete(client: Any, run: Any) -> None:
    """Delete a run, its artifacts, and the model that it logged, which MLflow keeps in a folder of its own."""
    for model in client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"):
        client.delete_logged_model(model.model_id)
        _remove_folder(model.artifact_location)
    client.delete_run(run.info.run_id)
    _remove_folder(run.info.artifact_uri)


def _remove_folder(address: str) -> None:
    """Remove the folder that contains the artifacts at an address; it is named by the id of their run or model."""
    artifacts = local_path(address)
    if artifacts is not None and artifacts.is_dir():
        shutil.rmtree(artifacts.parent, ignore_errors=True)
