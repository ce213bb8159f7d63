"""Each store removes its own old entries; what is recent, in use, registered or still needed is kept."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from checkouts import succeed

from realfake.core.cleanup import DAY
from realfake.core.json_files import write_json
from realfake.data import versioning
from realfake.feature_cache.entry import EntrySpec
from realfake.feature_cache.store import FeatureCache
from realfake.tracking.retention import prune, remove_runs
from realfake.tracking.run_link import link_file
from realfake.tracking.runs import training_run
from realfake.tracking.store import open_store
from realfake.training.checkpoint import Checkpoint, TrainingState


def test_old_runs_are_deleted_with_their_artifacts_but_not_running_or_present_ones(project: Path) -> None:
    def finished(name: str) -> str:
        (project / name).mkdir()
        with training_run(project / name, name, "realfake", {}) as run, open_store("realfake") as client:
            client.log_text(run.run_id, "text", "text.txt")
            client.set_terminated(run.run_id)
            return run.run_id

    old, present, promotion = finished("old"), finished("present"), finished("promotion")
    with open_store("realfake") as client:
        client.set_tag(promotion, "change", "promoted")  # an entry of the history of promotions
    model = project / "outputs/model"
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"weights")
    write_json(link_file(model), {"run_id": present, "name": "present", "experiment": "realfake"})
    with training_run(project, "running", "realfake", {}):
        assert remove_runs(1, dry_run=False) == []
        assert remove_runs(-1, dry_run=True) == ["old"]
        assert (project / "mlruns/realfake" / old).is_dir()
        assert remove_runs(-1, dry_run=False) == ["old"]
    assert not (project / "mlruns/realfake" / old).exists()
    assert (project / "mlruns/realfake" / present).is_dir()


def test_in_a_shared_store_nothing_is_deleted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/shared.db")
    with training_run(project, "old", "realfake", {}) as run, open_store("realfake") as client:
        client.set_terminated(run.run_id)
    assert remove_runs(-1, dry_run=False) == []


@pytest.fixture
def cached(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose .cache/ has entries of every kind, none of which was used for forty days."""
    monkeypatch.setattr(versioning, "remove_unreferenced", lambda root, dry_run: 0)  # data/test_versioning.py tests it
    Checkpoint({"seed": 1}, ("training.checkpoint",)).save(TrainingState([], [], [], []))
    with FeatureCache(10**6).features(EntrySpec({"entry": 1}, {}, (2, 3)), lambda done: iter([np.ones((2, 3))])):
        pass
    others = (
        "fetch/kagglehub/part",
        "fetch/work/spool",
        "fetch/aside/data/picture.jpg",
        "lineage/params.yaml",
        "bench/deck/params.yaml",
    )
    for name in (*others, "runs/abcd.json", "sweeps/sweep-1/journal.log", "locks/train.lock"):
        (project / ".cache" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / ".cache" / name).write_text("content")
    for path in (project / ".cache").rglob("*"):
        os.utime(path, (time.time() - 40 * DAY,) * 2)
    return project / ".cache"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_every_store_removes_its_own_old_entries(cached: Path) -> None:
    permanent = {"fetch/aside/data/picture.jpg", "runs/abcd.json", "sweeps/sweep-1/journal.log"}
    before = files(cached)
    lines = list(prune(30, dry_run=True))
    assert files(cached) == before
    kinds = [line.removeprefix("would remove .cache/").partition("/")[0] for line in lines[:-1]]
    assert sorted(kinds) == ["bench", "checkpoints", "fetch", "fetch", "lineage", "trunk"]
    assert "6 cache entries" in lines[-1]
    assert len(list(prune(50, dry_run=False))) == 1, "they were used 40 days ago"
    lines = list(prune(30, dry_run=False))
    assert "removed .cache/fetch/work" in lines
    assert {name for name in files(cached) if not name.startswith("locks/")} == permanent


def test_cached_features_are_kept_while_they_are_read(cached: Path) -> None:
    with FeatureCache(10**6).features(EntrySpec({"entry": 1}, {}, (2, 3)), lambda done: iter([])):
        (entry,) = (path for path in (cached / "trunk").iterdir() if path.is_dir())
        for path in entry.iterdir():
            os.utime(path, (time.time() - 40 * DAY,) * 2)
        assert not any("trunk" in line for line in prune(30, dry_run=False))
    assert entry.is_dir()


@pytest.mark.slow
def test_the_command_reports_what_would_be_and_what_was_removed(copied: Path) -> None:
    entry = next((copied / ".cache/checkpoints").iterdir())
    for path in (entry, *entry.iterdir()):
        os.utime(path, (time.time() - 40 * DAY,) * 2)
    name = f".cache/checkpoints/{entry.name}"
    assert f"would remove {name}\nwould free " in succeed(copied, "python src/prune.py --dry-run")
    output = succeed(copied, "python src/prune.py")
    assert f"removed {name}\nfreed " in output
    assert "0 runs" in output
    assert not entry.exists()
