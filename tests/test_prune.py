"""Old caches and unreferenced data go; what is young, locked, committed or in the workspace stays."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prune import DAY, prune_caches, prune_dvc_cache, prune_runs
from realfake.core.json_files import write_json
from realfake.tracking.run_link import note_of
from realfake.tracking.runs import training_run
from realfake.tracking.store import store


def cache_entry(cache: Path, name: str, age_in_days: float, size: int = 10) -> Path:
    path = cache / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = time.time() - age_in_days * DAY
    os.utime(path, (moment, moment))
    return path


def test_entries_go_by_their_last_use(tmp_path: Path) -> None:
    old = cache_entry(tmp_path, "trunk/aaaa/features.npy", 40, size=1000)
    young = cache_entry(tmp_path, "trunk/bbbb/features.npy", 20)
    resumed = cache_entry(tmp_path, "checkpoints/cccc/epoch-1.keras", 40)
    cache_entry(tmp_path, "checkpoints/cccc/epoch-2.keras", 1)
    read_lately = cache_entry(tmp_path, "downloads/archive.zip", 40)
    os.utime(read_lately, (time.time(), read_lately.stat().st_mtime))

    assert prune_caches(tmp_path, 30, dry_run=True) == [("trunk/aaaa", 1000)]
    assert old.exists()
    assert prune_caches(tmp_path, 30, dry_run=False) == [("trunk/aaaa", 1000)]
    assert [path.name for path in (tmp_path / "trunk").iterdir() if path.is_dir()] == ["bbbb"]
    assert young.exists()
    assert resumed.exists()
    assert read_lately.exists()


def test_locks_and_run_links_stay(tmp_path: Path) -> None:
    kept = [
        cache_entry(tmp_path, name, 400)
        for name in ("locks/train.lock", "runs/abcd.json", "trunk/aaaa.lock", "sweeps/sweep-1")
    ]
    assert prune_caches(tmp_path, 30, dry_run=False) == []
    assert all(path.exists() for path in kept)


def test_old_runs_go_with_their_artifacts_but_not_running_or_present_ones(project: Path) -> None:
    def finished(name: str) -> str:
        (project / name).mkdir()
        with training_run(project / name, name, "realfake", {}) as run, store("realfake") as client:
            client.log_text(run.run_id, "text", "text.txt")
            client.set_terminated(run.run_id)
            return run.run_id

    old, present, log = finished("old"), finished("present"), finished("log")
    with store("realfake") as client:
        client.set_tag(log, "change", "promoted")  # an entry of the log of promotions
    model = project / "outputs/model"
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"weights")
    write_json(note_of(model), {"run_id": present, "name": "present", "experiment": "realfake"})
    with training_run(project, "running", "realfake", {}):
        assert prune_runs(1, dry_run=False) == []
        assert prune_runs(-1, dry_run=True) == ["old"]
        assert (project / "mlruns/realfake" / old).is_dir()
        assert prune_runs(-1, dry_run=False) == ["old"]
    assert not (project / "mlruns/realfake" / old).exists()
    assert (project / "mlruns/realfake" / present).is_dir()


def test_a_shared_store_is_left_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/shared.db")
    with training_run(project, "old", "realfake", {}) as run, store("realfake") as client:
        client.set_terminated(run.run_id)
    assert prune_runs(-1, dry_run=False) == []
    assert "left alone" in capsys.readouterr().out


def test_a_missing_cache_is_no_error(tmp_path: Path) -> None:
    assert prune_caches(tmp_path / "absent", 30, dry_run=False) == []


@pytest.mark.slow
def test_data_of_any_commit_stays_in_the_dvc_cache(tmp_path: Path) -> None:
    def command(*words: str) -> None:
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)

    def add(text: str) -> None:
        (tmp_path / "data.txt").write_text(text)
        command(sys.executable, "-m", "dvc", "add", "--quiet", "data.txt")

    command("git", "init", "--quiet")
    command(sys.executable, "-m", "dvc", "init", "--quiet")
    for text in ("committed once", "committed last"):
        add(text)
        command("git", "add", "--all")
        command("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", text)
    add("referred to by nothing")
    add("in the workspace")

    def cached() -> set[str]:
        return {path.read_text() for path in (tmp_path / ".dvc/cache/files").rglob("*") if path.is_file()}

    assert prune_dvc_cache(tmp_path, dry_run=True) == len("referred to by nothing")
    assert "referred to by nothing" in cached()
    assert prune_dvc_cache(tmp_path, dry_run=False) == len("referred to by nothing")
    assert cached() == {"committed once", "committed last", "in the workspace"}
