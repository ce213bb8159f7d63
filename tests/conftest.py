"""Provide small real data and projects that the tests share."""

import io
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stage_files import preparation_report

from realfake.config.schema import TrainParams, load_params
from realfake.data.dataset import ManifestRow, write_manifest

PROJECT = Path(__file__).parents[1]
CIFAKE = PROJECT.parent / "shared/cifake/cifake-dev.tar.gz"


def jpeg(pixels: np.ndarray) -> bytes:
    """Encode pixels, uint8 (H, W, 3), as JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def toy_pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures that a small network can classify, FAKE striped and REAL smooth.

    Returns:
        The pictures, uint8 (count, 32, 32, 3), and their labels, uint8 (count,), alternately FAKE and REAL.
    """
    generator = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 2
    pictures = np.repeat(generator.integers(60, 190, (count, 1, 1, 3)), 32, 1).repeat(32, 2)
    pictures[labels == 0, ::2] += 40
    return (pictures + generator.integers(-8, 9, pictures.shape)).astype(np.uint8), labels


@pytest.fixture
def cifake() -> Path:
    """Return the archive of the real CIFAKE (all of train, 2,000 of test)."""
    if not CIFAKE.is_file():
        pytest.skip("the real CIFAKE is missing; expected ../shared/cifake beside the project")
    return CIFAKE


@pytest.fixture(scope="session")
def blank_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an MLflow store without runs, which tests copy: making one takes seconds."""
    import mlflow

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments()
    with closing(sqlite3.connect(file)) as connection, connection:
        # a copy must not write artifacts to the original's folder
        connection.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")
    return file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_store: Path) -> Path:
    """Make a project with dvc.yaml, params.yaml, git and an MLflow store, and change the working directory to it."""
    shutil.copy(blank_store, tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def train_params() -> TrainParams:
    """Return the train parameters of recipes/scratch.yaml with the smallest native backbone and two epochs."""
    params = load_params(PROJECT / "recipes/scratch.yaml").train
    small = {"backbone": "resnet8", "width": 4, "epochs": 2, "batch_size": 16}
    return TrainParams.model_validate(params.model_dump() | small)


@pytest.fixture
def prepared(project: Path) -> Path:
    """Write a prepared folder of 64 train, 32 val and 32 test toy pictures."""
    folder = project / "outputs/prepared"
    folder.mkdir(parents=True)
    rows = []
    for number, (split, count) in enumerate({"train": 64, "val": 32, "test": 32}.items()):
        pictures, labels = toy_pictures(count, seed=number)
        np.save(folder / f"{split}_pictures.npy", pictures)
        np.save(folder / f"{split}_labels.npy", labels)
        rows += [
            ManifestRow(split, int(y), f"{i}.jpg", f"{number:02}{i:062}", f"g{i}", "", False)
            for i, y in enumerate(labels)
        ]
    write_manifest(folder, rows)
    preparation_report({"train": 64, "val": 32, "test": 32}).write(folder)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone the project with toy pictures, run its pipeline and commit the result; tests must not change it."""
    from checkouts import checkout, commit, succeed

    project = checkout(tmp_path_factory.mktemp("finished") / "project")
    succeed(project, "dvc repro")
    commit(project)
    return project


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """Copy the finished clone, for tests that change it, and relocate its MLflow runs."""
    from checkouts import succeed

    project = shutil.copytree(finished, tmp_path / "copied")
    succeed(project, "python src/relocate.py")
    return project
