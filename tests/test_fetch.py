"""Fetching pictures into a throw-away project: sources, refusals, kills, and the way back."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archives import contents, write_folder, write_tar, write_zip
from conftest import CIFAKE
from fetching import SCRIPT, dvc, pictures, plain, project, run_fetch, state, template  # noqa: F401


@pytest.fixture
def empty(plain: Path) -> Path:
    """The same without data."""
    shutil.rmtree(plain / "data")
    return plain


@pytest.mark.slow
def test_every_kind_of_source_gives_the_same_data(project: Path, tmp_path: Path) -> None:
    found = pictures()
    folder = write_folder(tmp_path / "mine/cifake", found).parent
    sources = (write_zip(tmp_path / "a.zip", found), write_tar(tmp_path / "b.tar.gz", found), folder)
    states = []
    for source in sources:
        result = run_fetch(project, "--from", source)
        assert result.returncode == 0, result.stderr
        states.append(state(project))
    files, pointer = states[0]
    assert states == [states[0]] * 3
    assert list(files) == ["pictures.tar.gz"]
    assert contents(project / "data/pictures.tar.gz") == found
    assert "remote:" not in pointer
    assert json.loads(dvc(project, "status", "data.dvc", "--json")) == {}
    assert sorted(path.name for path in (project / ".cache").iterdir()) == ["fetch", "locks"]
    assert not list((project / ".cache/fetch").iterdir())
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(found.items())]
    assert f"content digest {hashlib.sha256(''.join(lines).encode()).hexdigest()}: not the authors'" in result.stdout
    assert "train FAKE       3  REAL       3" in result.stdout


@pytest.mark.slow
def test_the_sample_comes_back_without_a_cache(project: Path, tmp_path: Path) -> None:
    before = state(project)
    assert run_fetch(project, "--from", write_zip(tmp_path / "a.zip", pictures())).returncode == 0
    assert state(project) != before
    shutil.rmtree(project / ".dvc/cache")
    result = run_fetch(project, "--sample")
    assert "`dvc add data`" in result.stderr, "data/ holds the last copy"
    shutil.rmtree(project / "data")
    result = run_fetch(project, "--sample")
    assert result.returncode == 0, result.stderr
    assert state(project) == before
    assert json.loads(dvc(project, "status", "data.dvc", "--json")) == {}


@pytest.mark.slow
def test_a_sample_that_cannot_be_pulled_leaves_everything_as_it_was(project: Path) -> None:
    for folder in ("remote/files", ".dvc/cache", "data"):
        shutil.rmtree(project / folder)
    before = state(project)
    result = run_fetch(project, "--sample")
    assert result.returncode == 1
    assert result.stderr.startswith("error: `dvc pull data.dvc --quiet` failed: ")
    assert result.stderr.count("\n") == 1
    assert state(project) == before


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["work/spool", "work/data", "aside"])
def test_a_kill_leaves_usable_data_and_the_same_command_ends_the_work(
    project: Path, tmp_path: Path, moment: str
) -> None:
    before = state(project)
    source = write_folder(tmp_path / "source", pictures(500))
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "--from", source], cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (project / ".cache/fetch" / moment).exists():
        assert process.poll() is None, "too fast to be killed at that moment"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not (project / ".cache/fetch/aside").exists():
        assert state(project) == before
    result = run_fetch(project, "--from", source)
    assert result.returncode == 0, result.stderr
    assert len(contents(project / "data/pictures.tar.gz")) == 2000
    assert json.loads(dvc(project, "status", "data.dvc", "--json")) == {}
    assert not list((project / ".cache/fetch").iterdir())


def test_a_user_error_is_one_line_and_exit_1(empty: Path, tmp_path: Path) -> None:
    source = write_tar(tmp_path / "a.tar.gz", pictures())
    source.write_bytes(source.read_bytes()[:-20])
    result = run_fetch(empty, "--from", source)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "a.tar.gz is damaged" in result.stderr


def test_help_answers_at_once(tmp_path: Path) -> None:
    heavy = "tensorflow|keras|mlflow|kagglehub|requests|matplotlib"
    program = (
        f"import sys, runpy; sys.argv = ['fetch.py', '--help']\ntry: runpy.run_path({str(SCRIPT)!r}, None, '__main__')"
    )
    program += f"\nexcept SystemExit: print(set({heavy!r}.split('|')) & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": str(SCRIPT.parent)}
    output = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "--sample" in output.stdout
    assert output.stdout.splitlines()[-1] == "set()"


@pytest.mark.slow
@pytest.mark.skipif(not CIFAKE.exists(), reason="needs shared/cifake")
def test_cifake_is_recognised_by_its_digest(project: Path) -> None:
    result = run_fetch(project, "--from", CIFAKE)
    assert result.returncode == 0, result.stderr
    assert "train is train of the authors' release of CIFAKE" in result.stdout
    assert "not the authors' full release" in result.stdout
    assert contents(project / "data/pictures.tar.gz") == contents(CIFAKE)
