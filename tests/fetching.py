"""Throw-away projects for tests of fetching: the command, the project, and fixtures to import."""

import io
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from archives import write_folder, write_tar
from PIL import Image

SCRIPT = Path(__file__).parents[1] / "src/fetch.py"
SAMPLE = {f"{split}/{name}/1.jpg": b"sample" for split in ("train", "test") for name in ("REAL", "FAKE")}


def jpeg(seed: int, side: int) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(side * side * 3)).save(file, "JPEG")
    return file.getvalue()


def pictures(count: int = 3, side: int = 8) -> dict[str, bytes]:
    places = [f"{split}/{name}" for split in ("train", "test") for name in ("REAL", "FAKE")]
    return {
        f"{place}/{k}.jpg": jpeg(k * len(places) + at, side)
        for at, place in enumerate(places)
        for k in reversed(range(count))
    }


def dvc(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout


def run_fetch(project: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    environment = os.environ | {"HOME": str(project / "home")} | environment
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def state(project: Path) -> tuple[dict[str, bytes], str]:
    files = {path.name: path.read_bytes() for path in (project / "data").rglob("*")}
    return files, (project / "data.dvc").read_text()


def versioned(project: Path) -> Path:
    """Make a project whose data is a sample of four files, versioned by DVC in a remote of its own."""
    (project / "data").mkdir(parents=True)
    (project / "remote").mkdir()
    write_tar(project / "data/sample.tar.gz", SAMPLE)
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    dvc(project, "init", "--quiet")
    dvc(project, "config", "core.analytics", "false")
    dvc(project, "remote", "add", "--quiet", "embedded", "remote")
    (project / ".gitignore").write_text("/data/\n/.cache/\n")
    (project / ".dvcignore").write_text("/remote\n")
    (project / "dvc.yaml").write_text("stages: {}\n")
    dvc(project, "add", "--quiet", "data")
    pointer = (project / "data.dvc").read_text().replace("  path: data", "  remote: embedded\n  path: data")
    (project / "data.dvc").write_text(pointer)
    dvc(project, "push", "--quiet", "data.dvc")
    (project / "remote/sample.dvc").write_text(pointer)
    return project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return versioned(tmp_path_factory.mktemp("template") / "project")


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without DVC, for what ends before it would be called."""
    project = write_folder(tmp_path / "project", {"dvc.yaml": b"", "data.dvc": b"old", "data/old.zip": b"old"})
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return project


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = shutil.copytree(template, tmp_path / "project")
    monkeypatch.chdir(copy)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return copy
