"""Make the shipped detector anew: `python models/make.py --from cifake.tar.gz` (or make shipped FROM=cifake.tar.gz).

Runs the four stages with recipes/native.yaml on CIFAKE, in a folder of its own (.cache/bench/shipped), and puts what
others need into models/cifake/: the network to start from (`weights: cifake`) with fingerprints of what it learnt from,
the LiteRT int8 file that the inference script and the demo use right after a clone, the model card, and a record. About
an hour and a half on two cores; after an interruption the same command goes on.
"""

import argparse
import os
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT / "benchmarks")]

from scene import CIFAKE, Scene  # noqa: E402

from realfake.errors import UserError, run  # noqa: E402
from realfake.params import load_params  # noqa: E402
from realfake.params_edit import apply  # noqa: E402
from realfake.provenance import git_state, machine  # noqa: E402
from realfake.workspace import atomic_folder, read_json, sha256_file, write_json  # noqa: E402

STAGES = ("train", "evaluate", "export")
LARGEST = 4_000_000
"""Bytes of both models together, so that they can stand in the repository."""


def make(archive: Path) -> None:
    """Run the recipe on the archive and replace models/cifake/."""
    made = {name: value for name, value in (machine() | git_state()).items() if not name.startswith("mlflow.")}
    scene = Scene("shipped", archive, "native", {})
    shutil.copy(PROJECT / "recipes/native.yaml", scene.folder / "params.yaml")
    print("preprocess", flush=True)
    scene.prepared()
    for stage in STAGES:
        print(stage, flush=True)
        scene.run(PROJECT / f"src/{stage}.py", shown=True)
    publish(scene.folder, made, PROJECT / "models/cifake")


def publish(project: Path, made: Mapping[str, str], target: Path) -> None:
    """Copy what a finished pipeline made, with a record of it, and name it in the recipes that start from it.

    Raises:
        UserError: it is too large.
    """
    outputs = project / "outputs"
    with atomic_folder(target) as folder:
        for name in ("model/model.keras", "model/seen.npy", "model/history.json", "export/models/model_int8.tflite"):
            shutil.copy(outputs / name, folder)
        shutil.copy(project / "params.yaml", folder)
        card, _, _ = (outputs / "export/model_card.md").read_text().partition("## Make it again")
        again = f"`make shipped FROM=cifake.tar.gz`; this one on commit {made['git_commit'][:8]}."
        (folder / "README.md").write_text(f"{card}## Make it again\n\n{again}\n")
        names = ("metrics", "ci_low", "ci_high", "cleaned", "robust")
        record = {name: read_json(outputs / f"evaluation/{name}.json") for name in names}
        record["conditions"] = read_json(outputs / "evaluation/plots/robustness.json")
        record["classes"] = read_json(outputs / "evaluation/plots/accuracy_by_class.json")
        record["formats"] = read_json(outputs / "export/formats.json")
        record["calibration"] = read_json(outputs / "model/training.json")["calibration"]
        record["training_seconds"] = training_seconds(project / "mlflow.db")
        record["model_sha256"] = sha256_file(folder / "model.keras")
        write_json(folder / "record.json", record | {"made": made})
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".keras", ".tflite"))
        if size > LARGEST:
            raise UserError(f"both files take {size:,} bytes; expected at most {LARGEST:,}: lower train.width")
    start = {"weights": "cifake", "weights_sha256": record["model_sha256"]}
    for file in (PROJECT / "recipes/quick.yaml", PROJECT / "params.yaml"):
        if load_params(file).train.weights == "cifake":
            apply(file, start)


def training_seconds(store: Path) -> int:
    """Seconds of all epochs of the newest training, their scoring on val included; interruptions are not counted."""
    newest = "SELECT run_uuid FROM metrics WHERE key = 'epoch_seconds' ORDER BY timestamp DESC LIMIT 1"
    with closing(sqlite3.connect(store)) as connection:
        total = f"SELECT SUM(value) FROM metrics WHERE key = 'epoch_seconds' AND run_uuid = ({newest})"
        return round(connection.execute(total).fetchone()[0])


def main() -> None:
    """Read the command line and make it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="archive", type=Path, default=CIFAKE, help="CIFAKE as one archive")
    archive = parser.parse_args().archive.resolve()
    os.chdir(PROJECT)
    make(archive)


if __name__ == "__main__":
    run(main)
