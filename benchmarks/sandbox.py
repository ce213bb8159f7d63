"""A project folder of its own for measurements, `.cache/bench/<name>`, with real CIFAKE: nothing else is touched."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from realfake.core.errors import UserError  # noqa: E402
from realfake.data.archive import read_archive  # noqa: E402
from realfake.data.dataset import CLASSES, read_manifest  # noqa: E402
from realfake.data.preparation_report import REPORT_FILE, PreparationReport  # noqa: E402

CIFAKE = PROJECT.parent / "shared/cifake/cifake-dev.tar.gz"


class Sandbox:
    """A folder with dvc.yaml, params.yaml and data/, in which the stages' real commands run.

    Args:
        name: of the folder under .cache/bench/.
        archive: CIFAKE as one archive.
        recipe: of recipes/.
        changes: dotted parameter names and their values here.
    """

    def __init__(self, name: str, archive: Path, recipe: str, changes: Mapping[str, Any]) -> None:
        if not archive.is_file():
            raise UserError(f"{archive} is not there; give CIFAKE as one archive: make bench FROM=cifake.tar.gz")
        self.folder = PROJECT / ".cache/bench" / name
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / "dvc.yaml", self.folder)
        linked = self.folder / "data" / archive.name
        if not linked.is_symlink() or linked.readlink() != archive.resolve():
            for former in (*linked.parent.iterdir(), self.folder / "outputs/prepared" / REPORT_FILE):
                former.unlink(missing_ok=True)
            linked.symlink_to(archive.resolve())
        self.archive, self._recipe = archive, recipe
        self.set_params(changes)

    def set_params(self, changes: Mapping[str, Any]) -> None:
        """Write params.yaml: the recipe with some parameters changed."""
        params = yaml.safe_load((PROJECT / "recipes" / f"{self._recipe}.yaml").read_text())
        for name, value in changes.items():
            *groups, last = name.split(".")
            group = params
            for part in groups:
                group = group[part]
            group[last] = value
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params))

    def prepare(self) -> Path:
        """The prepared arrays, made by the stage when they are not there, or of other params or a former archive."""
        folder = self.folder / "outputs/prepared"
        report, wanted = folder / REPORT_FILE, yaml.safe_load((self.folder / "params.yaml").read_text())["preprocess"]
        current = report.is_file() and report.stat().st_mtime > self.archive.stat().st_mtime
        if not current or PreparationReport.read(folder).params != wanted:
            shutil.rmtree(self.folder / "jpeg", ignore_errors=True)
            self.run(PROJECT / "src/preprocess.py")
        return folder

    def clear_cache(self, *areas: str) -> None:
        """Empty areas of this sandbox's .cache/, so that the next run starts without them."""
        for area in areas:
            shutil.rmtree(self.folder / ".cache" / area, ignore_errors=True)

    def run(self, script: Path, *arguments: str, shown: bool = False) -> tuple[float, str]:
        """Run a script here, in a process of its own; returns its seconds from start to end and what it printed.

        Where that is `shown`, it goes to the terminal as it comes, and is not returned.
        """
        kept = {name: value for name, value in os.environ.items() if name not in ("DVC_ROOT", "MLFLOW_TRACKING_URI")}
        environment = kept | {"TF_CPP_MIN_LOG_LEVEL": "3", "NO_ALBUMENTATIONS_UPDATE": "1"}
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=not shown,
            text=True,
            check=False,
        )
        if done.returncode:
            said = "" if shown else f": {(done.stderr.strip() or done.stdout).splitlines()[-1]}"
            raise UserError(f"{script.name} failed{said}")
        return time.perf_counter() - started, done.stdout or ""

    def run_json(self, script: str, *arguments: str) -> Any:
        """Run a script of this folder that prints JSON in its last line; returns it, with the process's seconds."""
        seconds, printed = self.run(Path(__file__).with_name(script), *arguments)
        return {"process_seconds": seconds, **json.loads(printed.splitlines()[-1])}

    def write_jpegs(self) -> Path:
        """The pictures of the prepared train and val as files `train|val/FAKE|REAL/name`, as tutorials want them."""
        rows = read_manifest(self.prepare())
        folder = self.folder / "jpeg"
        if folder.is_dir():
            return folder
        wanted = {(row.label, row.name): row.split for row in rows if row.split != "test"}
        partial = folder.with_name("jpeg.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for split in ("train", "val"):
            for name in CLASSES:
                (partial / split / name).mkdir(parents=True)
        for picture in read_archive(self.archive):
            split = wanted.get((picture.label, picture.name)) if picture.split == "train" else None
            if split:
                (partial / split / CLASSES[picture.label] / picture.name).write_bytes(picture.data)
        partial.rename(folder)
        return folder


def measure_in_rounds(count: int, measures: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Take each measure once a round, so that a slower hour of the machine meets all alike; prints as it goes."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for place in range(count):
        for name, measure in measures.items():
            taken[name].append(measure())
            print(f"  round {place + 1}/{count}  {name:<44} {taken[name][-1]:>10.2f}", flush=True)
    return taken


def median(values: list[float]) -> float:
    """The middle of several measurements."""
    return float(statistics.median(values))
