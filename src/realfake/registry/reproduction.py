"""Describe where a registered version comes from, and the exact commands that reproduce it."""

import shlex
from collections.abc import Iterator
from typing import Any

from realfake.registry.trained_run import TrainedRun
from realfake.tracking.lineage import FOLDER
from realfake.tracking.store import public_uri, tracking_uri


def describe(client: Any, trained: TrainedRun, title: str, origin: str | None = None) -> Iterator[str]:
    """Yield a version's lineage as comments, and the shell commands that reproduce it in a clone of the repository.

    Args:
        client: a client of the MLflow store that holds the run.
        trained: the training run of the version.
        title: the first line, such as `realfake version 3 (champion)`.
        origin: address of the registered weights that its training started from; None if from other weights.
    """
    tags = trained.tags
    commit = tags.get("lineage_commit", tags.get("git_commit", "none"))
    yield f"# {title}"
    yield f"# trained by run {trained.name} ({trained.run_id}), user {tags.get('mlflow.user', 'unknown')}"
    yield f"# data {tags.get('data_digest', 'unknown')}"
    kept = {entry.path.removeprefix(f"{FOLDER}/") for entry in client.list_artifacts(trained.run_id, FOLDER)}
    dirty = "changes.patch" in kept and tags.get("lineage_dirty") != "false"
    yield f"# code {commit}" + (" with uncommitted changes" if dirty else "")
    for name, value in sorted(trained.params.items()):
        if name.startswith("train."):
            yield f"#   {name} {value}"
    yield f"export MLFLOW_TRACKING_URI={shlex.quote(public_uri(tracking_uri()))}"
    yield f"mlflow artifacts download --run-id {trained.run_id} --artifact-path {FOLDER} --dst-path .cache"
    if commit != "none":
        yield f"git checkout {commit}"
    if dirty:
        yield f"git apply .cache/{FOLDER}/changes.patch"
    names = [name for name in ("params.yaml", "data.dvc", "dvc.lock") if name in kept]
    if names:
        yield f"cp {' '.join(f'.cache/{FOLDER}/{name}' for name in names)} ."
    if origin is not None:
        yield f"python src/use.py --weights {origin}"
    yield "dvc checkout --allow-missing   # restores from DVC's cache; `dvc pull` where there is a DVC remote"
    yield "dvc repro                      # computes what is missing, to the same bytes"
