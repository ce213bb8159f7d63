"""A user's mistake or a circumstance is one line and exit 1; outputs stay as they were, and MLflow stays clean."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkouts import change, pack, run, runs, succeed, toy_files, tree

pytestmark = pytest.mark.slow

Edit = Callable[[Path], None]


def fails(project: Path, command: str, *words: str, **extra: str) -> None:
    """Run a command that must fail with one line that says `words`, and change nothing."""
    before = tree(project / "outputs")
    done = run(project, command, **extra)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("error: ")
    for word in words:
        assert word in done.stderr
    assert tree(project / "outputs") == before


def edited(pattern: str, text: str) -> Edit:
    """An edit of the one place in params.yaml that fits a pattern."""

    def edit(project: Path) -> None:
        file = project / "params.yaml"
        params, count = re.subn(pattern, text, file.read_text(), flags=re.MULTILINE)
        assert count == 1
        file.write_text(params)

    return edit


def packed(change_files: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Edit:
    """Other pictures in the archive."""
    return lambda project: pack(project / "data/toy.tar.gz", change_files(toy_files(10)))


def half_an_archive(project: Path) -> None:
    file = project / "data/toy.tar.gz"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (edited("^tracking:", "colour: red\ntracking:"), ["unknown parameter colour"]),
        (edited("^  epochs:", "  epoch:"), ["unknown parameter train.epoch", "did you mean epochs?"]),
        (edited(r"learning_rate: [\d.]+", "learning_rate: 1e-3"), ["learning_rate", "write 0.001"]),
        (edited("^  epochs: 8", "  epochs: many"), ["train.epochs is 'many'", "integer"]),
        (edited(r"dropout: [\d.]+", "dropout: 1.5"), ["train.dropout is 1.5", "less than 1"]),
        (lambda project: (project / "data/toy.tar.gz").unlink(), ["no pictures", "--sample"]),
        (half_an_archive, ["toy.tar.gz is damaged"]),
        (packed(lambda files: files | {"train/REAL/0001.jpg": b"hello\n"}), ["train/REAL/0001.jpg: not a picture"]),
        (packed(lambda files: {n: data for n, data in files.items() if "test/REAL" not in n}), ["no usable REAL"]),
        (packed(lambda files: files | {"train/FAKE/x.jpg": files["train/REAL/0000.jpg"]}), ["both labels"]),
    ],
    ids=["unknown", "mistyped", "1e-3", "type", "range", "missing", "half", "text file", "one class", "both labels"],
)
def test_bad_params_and_bad_data(copied: Path, edit: Edit, words: list[str]) -> None:
    edit(copied)
    fails(copied, "python src/preprocess.py", *words)
    assert not list((copied / "outputs").glob(".*partial*"))


def test_a_recipe_that_is_unknown_leaves_params_alone(copied: Path) -> None:
    before = (copied / "params.yaml").read_bytes()
    fails(copied, "python src/use.py dek", "'dek'", "did you mean deck?", "native")
    assert (copied / "params.yaml").read_bytes() == before


def test_weights_that_cannot_be_had_name_the_ways_out(copied: Path, tmp_path: Path) -> None:
    succeed(copied, "python src/use.py deck")
    closed = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path)}
    ways = ("train.weights: FILE", "train.weights: none", "make use RECIPE=native")
    fails(copied, "python src/train.py", "ResNet50", *ways, **closed)
    assert len(runs(copied)) == 1


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, int], None]]:
    """Puts a folder on a disk of its own that has `free` bytes left beside the folder's files."""
    mounted: list[Path] = []

    def mount(folder: Path, free: int) -> None:
        folder.mkdir(exist_ok=True)
        files = tree(folder)
        size = sum(-len(data) // 4096 * -4096 + 4096 for data in files.values()) + free
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False).returncode:
            pytest.skip("only root can mount a small disk")
        mounted.append(folder)
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_in_preprocess(copied: Path, small_disk: Callable[[Path, int], None]) -> None:
    small_disk(copied / "outputs", 100_000)
    fails(copied, "python src/preprocess.py", "no space is left on the disk", "make prune")


def test_a_full_disk_in_train_ends_its_run(copied: Path, small_disk: Callable[[Path, int], None]) -> None:
    change(copied, "train", seed=3)
    small_disk(copied / ".cache/checkpoints", 50_000)
    done = run(copied, "dvc repro train")
    assert done.returncode != 0
    ours, *dvcs = [line for line in done.stderr.splitlines() if line]
    assert ours.startswith("error: ")
    assert "no space is left on the disk" in ours
    assert dvcs == ["ERROR: failed to reproduce 'train': failed to run: python src/train.py, exited with 1"]
    assert not (copied / "outputs/model").exists()
    assert not list(copied.glob(".cache/checkpoints/*/.*partial"))
    assert [run.info.status for run in runs(copied)] == ["FAILED", "FINISHED"]


def test_a_mistake_under_dvc_makes_no_run_and_is_mended(copied: Path) -> None:
    before, params = tree(copied / "outputs/model"), (copied / "params.yaml").read_bytes()
    edited(r"learning_rate: [\d.]+", "learning_rate: 1e-3")(copied)
    done = run(copied, "dvc repro")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith("error: params.yaml: train.optimizer.learning_rate is '1e-3'")
    assert "Traceback" not in done.stderr
    assert [run.info.status for run in runs(copied)] == ["FINISHED"]
    (copied / "params.yaml").write_bytes(params)
    succeed(copied, "dvc repro")
    assert tree(copied / "outputs/model") == before
    assert len(runs(copied)) == 1


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Makes a file one that nobody can write; root neither."""
    sealed: list[Path] = []

    def seal(file: Path) -> None:
        file.chmod(0o444)
        if os.geteuid() == 0:
            if subprocess.run(["chattr", "+i", file], check=False).returncode:
                pytest.skip("root can write any file here")
            sealed.append(file)

    yield seal
    for file in sealed:
        subprocess.run(["chattr", "-i", file], check=True)


def test_a_read_only_store(copied: Path, read_only: Callable[[Path], None]) -> None:
    change(copied, "train", seed=4)
    read_only(copied / "mlflow.db")
    fails(copied, "python src/train.py", "the MLflow store sqlite:///", "(attempt to write a readonly database)")
    assert [run.info.status for run in runs(copied)] == ["FINISHED"]


def test_a_read_only_store_in_a_moved_project(
    finished: Path, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    project = shutil.copytree(finished, tmp_path / "moved")
    read_only(project / "mlflow.db")
    fails(project, "python src/relocate.py", "the MLflow store", "read", "MLFLOW_TRACKING_URI")


def test_a_store_that_cannot_be(copied: Path) -> None:
    uri = "sqlite:////proc/none/mlflow.db"
    fails(copied, "python src/evaluate.py", f"the MLflow store {uri} cannot be used", MLFLOW_TRACKING_URI=uri)
