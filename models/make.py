"""Make the shipped detector anew: `python models/make.py --from cifake.tar.gz` (or make shipped FROM=cifake.tar.gz).

Trains with recipes/native.yaml on CIFAKE, goes on with recipes/refine.yaml, evaluates and exports, in a folder of its
own (.cache/bench/shipped), and puts what others need into models/cifake/: the network to start from (`weights:
cifake`) with fingerprints of what it learnt from, the LiteRT int8 file that the inference script and the demo use
right after a clone, the model card, and a record. About three hours on two cores; after an interruption the same
command goes on.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT / "benchmarks")]

from sandbox import CIFAKE, Sandbox  # noqa: E402

from realfake.config.editing import set_values  # noqa: E402
from realfake.config.schema import load_params  # noqa: E402
from realfake.core.environment import git_tags, machine_tags  # noqa: E402
from realfake.core.errors import UserError, run  # noqa: E402
from realfake.core.files import atomic_folder, sha256_file  # noqa: E402
from realfake.core.json_files import write_json  # noqa: E402
from realfake.data.dataset import load_split  # noqa: E402
from realfake.evaluation import robustness, scoring  # noqa: E402
from realfake.evaluation.results import (  # noqa: E402
    SCORE_FILES,
    EvaluationScores,
    class_row,
    read_classes,
    read_conditions,
    rounded,
)
from realfake.export.results import ExportResults  # noqa: E402
from realfake.inference.detector import Detector  # noqa: E402
from realfake.models import pretrained  # noqa: E402
from realfake.training.training_record import TrainingRecord  # noqa: E402

LARGEST = 4_000_000
"""Bytes of both models together, so that they can stand in the repository."""
DATA = (
    "CIFAKE (Bird & Lotfi 2024): the photographs of CIFAR-10 (REAL), and pictures that one generator, Stable Diffusion "
    "1.4, made for the same ten subjects (FAKE). The test pictures are those of its test that were at hand."
)


def make(archive: Path) -> None:
    """Run the recipe on the archive and replace models/cifake/."""
    sandbox = Sandbox("shipped", archive, "native", {})
    params = sandbox.folder / "params.yaml"
    shutil.copy(PROJECT / "recipes/native.yaml", params)
    print("preprocess", flush=True)
    sandbox.prepare()
    print("train", flush=True)
    sandbox.run(PROJECT / "src/train.py", shown=True)
    first = sandbox.folder / "weights/native.keras"
    first.parent.mkdir(exist_ok=True)
    shutil.copy(sandbox.folder / "outputs/model/model.keras", first)
    shutil.copy(PROJECT / "recipes/refine.yaml", params)
    set_values(params, {"weights": "weights/native.keras", "weights_sha256": sha256_file(first)})
    for stage in ("train", "evaluate", "export"):
        print(stage, flush=True)
        sandbox.run(PROJECT / f"src/{stage}.py", shown=True)
    publish(sandbox.folder, PROJECT / "models/cifake")


def publish(project: Path, target: Path) -> None:
    """Copy what a finished pipeline made, with a record of it, and name it in the recipes that start from it.

    Raises:
        UserError: it is too large.
    """
    outputs = project / "outputs"
    with atomic_folder(target) as folder:
        for name in ("model/model.keras", "model/seen.npy", "model/history.json", "export/models/model_int8.tflite"):
            shutil.copy(outputs / name, folder)
        shutil.copy(project / "params.yaml", folder)
        scores = EvaluationScores.read(outputs / "evaluation")
        record = {Path(file).stem: asdict(getattr(scores, name)) for name, (file, _) in SCORE_FILES.items()}
        record["conditions"] = [asdict(row) for row in read_conditions(outputs / "evaluation")]
        record["classes"] = [class_row(row) for row in read_classes(outputs / "evaluation")]
        record["formats"] = asdict(ExportResults.read(outputs / "export"))
        record["calibration"] = TrainingRecord.read(outputs / "model").calibration.figures()
        record["light"] = light(folder / "model_int8.tflite", project)
        record["made"], record["training_seconds"] = training(project / "mlflow.db")
        record["model_sha256"] = sha256_file(folder / "model.keras")
        write_json(folder / "record.json", record)
        (folder / "README.md").write_text(card((outputs / "export/model_card.md").read_text(), record), "utf-8")
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".keras", ".tflite"))
        if size > LARGEST:
            raise UserError(f"both files take {size:,} bytes; expected at most {LARGEST:,}: lower train.width")
    start(PROJECT, record["model_sha256"])


def start(project: Path, sha256: str) -> None:
    """Make params.yaml and the recipes that start from the shipped network fit it."""
    native = load_params(project / "recipes/native.yaml").train
    shape = {name: getattr(native, name) for name in ("backbone", "width", "image_size", "input_range")}
    for file in (project / "recipes/quick.yaml", project / "recipes/refine.yaml", project / "params.yaml"):
        if load_params(file).train.weights == pretrained.NAME:
            set_values(file, shape | {"weights_sha256": sha256})


def light(file: Path, project: Path) -> dict[str, Any]:
    """Scores of the int8 file itself, which differs from the network by its rounding, on the same test pictures."""
    params, detector = load_params(project / "params.yaml").evaluate, Detector(file)
    test = load_split(project / "outputs/prepared", "test")
    probabilities = detector.predict(test.pictures)
    found = scoring.evaluate_predictions(test, probabilities, params)
    print("damaging for the int8 file", flush=True)
    damaged = robustness.measure(detector.predict, test, probabilities, params)
    interval = found.intervals["accuracy"]
    return {
        "scores": rounded(found.scores),
        "accuracy_interval": [round(interval.low, 6), round(interval.high, 6)],
        "robust": rounded(robustness.named_metrics(damaged)),
    }


def card(text: str, record: Mapping[str, Any]) -> str:
    """The pipeline's model card, with what only this script knows: the data, the light file, the cost, the commit."""
    text, _, _ = text.partition("## Make it again")
    made, light_file = record["made"], record["light"]
    conditions = {name: light_file["robust"][f"test/robust/{name}"] for name in ("jpeg_40", "noise_0.1", "blur_0.6")}
    told = ", ".join(f"{name} {value:.2%}" for name, value in conditions.items())
    low, high = light_file["accuracy_interval"]
    commit = made["git_commit"][:8] + (" with changes" if made["git_dirty"] == "true" else "")
    text = text.replace("## Data\n", f"## Data\n\n{DATA}\n", 1)
    text = text.replace(
        "## Limits\n",
        "The int8 file, which the inference script and the demo use, on all test pictures: accuracy "
        f"{light_file['scores']['accuracy']:.2%} ({low:.2%} to {high:.2%}), calibration error "
        f"{light_file['scores']['ece']:.2%}; damaged {light_file['robust']['test/robust/accuracy']:.2%} in the mean of "
        f"all kinds, {told}.\n\n## Limits\n",
        1,
    )
    return (
        f"{text}## Make it again\n\n`make shipped FROM=cifake.tar.gz`: recipes/native.yaml, then recipes/refine.yaml, "
        f"whose parameters stand above. This one on commit {commit}, in "
        f"{record['training_seconds'] / 60:.0f} minutes of training on {made['threads']} cores ({made['cpu']}, "
        f"{made['instruction_set']}).\n"
    )


def training(store: Path) -> tuple[dict[str, str], int]:
    """Tags of the newest training that say where it was made, and the seconds of it and of the one it started from.

    They are those of all epochs, with their scoring on val; interruptions are not counted.
    """
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{store}")
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    epochs = {run.info.run_id: client.get_metric_history(run.info.run_id, "epoch_seconds") for run in runs}
    newest = max(runs, key=lambda run: max((point.timestamp for point in epochs[run.info.run_id]), default=0))
    start = newest.data.params["train.weights_sha256"]
    before = next((run for run in runs if run.data.tags.get("model_sha256") == start), None)
    counted = [epochs[run.info.run_id] for run in (newest, before) if run is not None]
    names = [name for name in machine_tags() | git_tags() if not name.startswith("mlflow.")]
    return {name: newest.data.tags[name] for name in names}, round(
        sum(point.value for each in counted for point in each)
    )


def main() -> None:
    """Read the command line and make it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="archive", type=Path, default=CIFAKE, help="CIFAKE as one archive")
    archive = parser.parse_args().archive.resolve()
    os.chdir(PROJECT)
    make(archive)


if __name__ == "__main__":
    run(main)
