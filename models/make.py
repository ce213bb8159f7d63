"""Make the shipped detector anew: `python models/make.py --from cifake.tar.gz` (or make shipped FROM=cifake.tar.gz).

Runs the four stages with recipes/native.yaml on CIFAKE, in a folder of its own (.cache/bench/shipped), and puts what
others need into models/cifake/: the network to start from (`weights: cifake`), the LiteRT int8 file that the inference
script and the demo use right after a clone, the model card, and the record of how they were made. About an hour and a
half on two cores; after an interruption the same command goes on.
"""

import argparse
import json
import shutil
import sys
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
"""Bytes of both files together, so that they can stand in the repository."""


def make(archive: Path) -> None:
    """Run the recipe on the archive and replace models/cifake/."""
    scene = Scene("shipped", archive, "native", {})
    shutil.copy(PROJECT / "recipes/native.yaml", scene.folder / "params.yaml")
    print("preprocess", flush=True)
    scene.prepared()
    seconds = {}
    for stage in STAGES:
        print(stage, flush=True)
        seconds[stage], _ = scene.run(PROJECT / f"src/{stage}.py", shown=True)
    publish(scene.folder, seconds, PROJECT / "models/cifake")


def publish(project: Path, seconds: dict[str, float], target: Path) -> None:
    """Copy what a finished pipeline made, with a record of it, and check that it is small enough."""
    outputs = project / "outputs"
    with atomic_folder(target) as folder:
        shutil.copy(outputs / "model/model.keras", folder / "model.keras")
        shutil.copy(outputs / "export/models/model_int8.tflite", folder)
        shutil.copy(outputs / "export/model_card.md", folder / "README.md")
        shutil.copy(project / "params.yaml", folder / "params.yaml")
        for name in ("history.json", "seen.npy"):
            shutil.copy(outputs / "model" / name, folder)
        names = ("metrics", "ci_low", "ci_high", "cleaned", "robust")
        record = {name: read_json(outputs / f"evaluation/{name}.json") for name in names}
        record["conditions"] = read_json(outputs / "evaluation/plots/robustness.json")
        record["formats"] = read_json(outputs / "export/formats.json")
        record["model_sha256"] = sha256_file(folder / "model.keras")
        record["seconds"] = {stage: round(value) for stage, value in seconds.items()}
        made = {name: value for name, value in (machine() | git_state()).items() if not name.startswith("mlflow.user")}
        write_json(folder / "record.json", record | {"made": made})
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".keras", ".tflite"))
        if size > LARGEST:
            raise UserError(f"both files take {size:,} bytes; expected at most {LARGEST:,}: lower train.width")
    changed = {"weights": "cifake", "weights_sha256": record["model_sha256"]}
    for file in (PROJECT / "recipes/quick.yaml", PROJECT / "params.yaml"):
        if load_params(file).train.weights == "cifake":
            apply(file, changed)
    print(json.dumps(record["metrics"], indent=2))


def main() -> None:
    """Read the command line and make it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="archive", type=Path, default=CIFAKE, help="CIFAKE as one archive")
    make(parser.parse_args().archive.resolve())


if __name__ == "__main__":
    run(main)
