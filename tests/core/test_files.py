"""Files appear whole or not at all, and state lies where a deleted working folder cannot take it along."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.core.files import atomic_file, atomic_folder, home, require_space, state_folder, workspace
from realfake.core.json_files import read_json, write_json

SOURCE = str(Path(__file__).parents[2] / "src")


def test_the_workspace_is_the_nearest_dvc_yaml_and_dvc_root_is_home(project, monkeypatch, tmp_path_factory):
    (project / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(project / "deep/er")
    assert workspace() == home() == project
    checkout = tmp_path_factory.mktemp("checkout")
    monkeypatch.setenv("DVC_ROOT", str(checkout))
    assert (workspace(), home()) == (project, checkout)
    assert state_folder("runs") == checkout / ".cache/runs"
    monkeypatch.chdir(checkout)
    with pytest.raises(UserError, match=r"no dvc.yaml here or above"):
        workspace()


def test_a_failed_write_leaves_what_was_there(tmp_path):
    write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a.json") as file:
        file.write(b"half")
        raise RuntimeError
    assert read_json(tmp_path / "a.json") == {"old": 1}
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "folder") as folder:
        (folder / "x").touch()
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("first", "second"):
        with atomic_folder(tmp_path / "folder") as folder:
            (folder / name).touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["second"]


def test_a_full_disk_is_told_before_the_work(tmp_path):
    require_space(tmp_path, 1)
    with pytest.raises(UserError, match="MB of disk are needed"):
        require_space(tmp_path, 10**18)


def test_a_second_stage_waits_for_a_living_first_and_not_for_a_killed_one(project):
    hold = (
        "import time; from realfake.core.files import exclusive_lock\n"
        "with exclusive_lock('train'): print('in', flush=True); time.sleep({})"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", hold.format(60)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": SOURCE}
    )
    assert first.stdout and first.stdout.readline() == "in\n"
    second = subprocess.Popen(
        [sys.executable, "-c", hold.format(0)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": SOURCE}
    )
    assert second.stdout
    assert second.stdout.readline() == f"train already runs here (process {first.pid}); waiting for it to end\n"
    time.sleep(0.3)
    assert second.poll() is None
    first.kill()
    assert second.stdout.readline() == "in\n"
    assert second.wait(10) == 0
