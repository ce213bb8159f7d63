"""Files are written atomically, the project's folders are found, and a lock is held by one process at a time."""

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
    with pytest.raises(UserError, match=r"no dvc\.yaml"):
        workspace()


def test_a_failed_write_leaves_the_previous_content(tmp_path):
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


def test_too_little_disk_space_is_an_error(tmp_path):
    require_space(tmp_path, 1)
    with pytest.raises(UserError, match=r"1,000,000,000,000 MB .*make prune"):
        require_space(tmp_path, 10**18)


def test_a_second_process_waits_for_the_lock_until_the_first_is_killed(project):
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
    line = second.stdout.readline()
    assert "train" in line and str(first.pid) in line
    time.sleep(0.3)
    assert second.poll() is None
    first.kill()
    assert second.stdout.readline() == "in\n"
    assert second.wait(10) == 0
