"""Clones of the working tree with a toy archive and the smallest network, for tests that run the real commands."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from conftest import PROJECT, jpeg, toy_pictures

from realfake.data.archive import RawPicture, write_archive
from realfake.data.dataset import CLASSES

SMALL: dict[str, dict[str, Any]] = {
    "train": {"backbone": "resnet8", "width": 4, "epochs": 8, "batch_size": 12},
    "evaluate": {"bootstrap": 100, "robustness_pictures": 8},
    "export": {
        "formats": ["keras", "litert_int8"],
        "check_pictures": 20,
        "calibration_pictures": 10,
        "max_accuracy_drop": 1.0,
    },
    "tune": {"fraction": 1.0},
}
"""Over recipes/scratch.yaml: enough epochs to be killed between two, and everything else as small as it goes.

The 72 pictures of train are whole batches: TensorFlow traces a step anew for a last batch of another size.
"""
PATIENCE = 120
"""Seconds that a test waits for something to happen on a busy machine."""


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, with its Python first, so that DVC's `python` is that one; no store named."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_", "KERAS_"))}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    quiet = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return kept | quiet | extra


def run(project: Path, command: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a project to its end: `python src/train.py`, `dvc repro`."""
    words, variables = shlex.split(command), environment(**extra)
    return subprocess.run(words, cwd=project, env=variables, capture_output=True, text=True, timeout=600, check=False)


def succeed(project: Path, command: str, **extra: str) -> str:
    """Run a command that must succeed; what it printed."""
    done = run(project, command, **extra)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def start(project: Path, command: str, output: Path, **extra: str) -> "subprocess.Popen[bytes]":
    """Start a command whose output goes to a file and not to a pipe: what outlives the command may go on writing."""
    with output.open("w") as file:
        return subprocess.Popen(
            shlex.split(command),
            cwd=project,
            env=environment(**extra),
            stdout=file,
            stderr=file,
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - no other thread runs
        )


def _heed_ctrl_c() -> None:
    """A shell's background jobs ignore SIGINT, and what they start does too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(happened: Callable[[], Any], process: "subprocess.Popen[bytes]") -> Any:
    """Wait until `happened` returns something true, and return it; `process` is what makes it happen."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert process.poll() is None, f"it ended with {process.returncode} before it happened"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)
    return found


def checkpoints(project: Path) -> set[Path]:
    """The states of trainings on disk: one for every training that has finished an epoch."""
    return set(project.glob(".cache/checkpoints/*/state.npz"))


def epochs(output: str) -> list[int]:
    """The epochs that a training says it has trained."""
    return [int(number) for number in re.findall(r"^epoch +(\d+)/", output, flags=re.MULTILINE)]


def store(project: Path) -> Any:
    """MLflow's client on a project's own store."""
    import mlflow

    uri = f"sqlite:///{project}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow sets it, and it would name the store of what runs next
    return mlflow.MlflowClient(uri)


def runs(project: Path) -> list[Any]:
    """All MLflow runs of a project, newest first."""
    return list(store(project).search_runs(["1"]))


def steps(project: Path, run: Any) -> list[int]:
    """The epochs that a run holds."""
    return sorted(point.step for point in store(project).get_metric_history(run.info.run_id, "val_loss"))


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder with their bytes, hidden and half-written ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change(project: Path, stage: str, **values: Any) -> None:
    """Set parameters of one group of a project's params.yaml."""
    file = project / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params[stage] |= values
    file.write_text(yaml.safe_dump(params, sort_keys=False))


def toy_files(count: int) -> dict[str, bytes]:
    """JPEGs by their path in CIFAKE's layout: `count` of each class in train, half as many in test."""
    files = {}
    for place, (split, name) in enumerate(product(("test", "train"), ("FAKE", "REAL"))):
        pictures, labels = toy_pictures(2 * count if split == "train" else count, seed=place)
        chosen = pictures[labels == CLASSES.index(name)]
        files |= {f"{split}/{name}/{number:04}.jpg": jpeg(pixels) for number, pixels in enumerate(chosen)}
    return files


def pack(file: Path, files: dict[str, bytes]) -> None:
    """Write files as the archive of a project's data folder."""
    paths = {name: name.split("/") for name in sorted(files)}
    write_archive(file, (RawPicture(s, CLASSES.index(c), n, files[name]) for name, (s, c, n) in paths.items()))


def checkout(project: Path) -> Path:
    """Clone the working tree, uncommitted changes included, with toy pictures and small params; all committed."""
    subprocess.run(["git", "clone", "--quiet", PROJECT, project], check=True)
    for name in succeed(PROJECT, "git ls-files -z --cached --others --exclude-standard").split("\0"):
        if name and (PROJECT / name).is_file() and not name.startswith("remote/files/"):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, project / name)
    small_params(project)
    for name in ("data.dvc", "dvc.lock"):
        (project / name).unlink()
    pack(project / "data/toy.tar.gz", toy_files(40))
    keep_state_here(project)
    succeed(project, "dvc add --quiet data")
    succeed(project, "git config user.name test")
    succeed(project, "git config user.email test@example.org")
    commit(project)
    return project


def small_params(project: Path) -> None:
    """Make params.yaml the scratch recipe, as small as it goes."""
    shutil.copy(PROJECT / "recipes/scratch.yaml", project / "params.yaml")
    for stage, values in SMALL.items():
        change(project, stage, **values)


def clone(project: Path, target: Path) -> Path:
    """Clone a finished checkout, as a second person would, and bring the data; DVC's cache stays behind."""
    subprocess.run(["git", "clone", "--quiet", project, target], check=True)
    shutil.copytree(project / "data", target / "data")
    keep_state_here(target)
    return target


def keep_state_here(project: Path) -> None:
    """Make DVC keep its state beside the project and not in a folder of the whole machine."""
    (project / ".dvc/config.local").write_text(f"[core]\n    site_cache_dir = {project.parent / 'site'}\n")


def commit(project: Path) -> None:
    """Commit all there is."""
    succeed(project, "git add --all")
    succeed(project, "git commit --quiet --message toy")


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder; it must succeed."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def first_commit(project: Path) -> None:
    """Commit a file of code in a project that has no commit yet."""
    for name in ("user.name", "user.email"):
        git(project, "config", name, "test@example.org")
    (project / "src").mkdir()
    (project / "src/code.py").write_text("one\n")
    (project / ".gitignore").write_text("/mlflow.db*\n/mlruns/\n/.cache/\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "first")
