"""Every exported format of the deck's ResNet50 at 128 px and of the shipped network, on real CIFAKE.

ImageNet weights could not be had where this was made, so the ResNet50 learns all of its layers for an epoch from random
ones: its speeds and drops are those of the architecture, its accuracy is not the deck's.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from sandbox import PROJECT, Sandbox

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.evaluation.results import EvaluationScores
from realfake.export.results import ExportResults, measured_speeds
from realfake.models import pretrained

DECK = {
    "train.weights": "none",
    "train.unfreeze": "all",
    "train.epochs": 1,
    "train.optimizer.learning_rate": 0.0003,
    "preprocess.max_per_class": 2500,
    "evaluate.robustness_pictures": 100,
}
"""What differs from recipes/deck.yaml."""
STAGES = ("train", "evaluate", "export")


def measure(archive: Path, count: int) -> dict[str, Any]:
    """What `export` finds of both networks on 2,000 test pictures, one network after the other; `count` is not used.

    Raises:
        UserError: `.cache/bench/shipped` does not hold the pipeline that made the shipped network.
    """
    deck, made = Sandbox("formats", archive, "deck", DECK), Sandbox("shipped", archive, "refine", {})
    trained = made.folder / "outputs/model/model.keras"
    if not trained.is_file() or not pretrained.is_shipped(PROJECT, sha256_file(trained)):
        raise UserError(f"{trained.parent} does not hold the shipped network; `make shipped` makes both anew")
    return {"ResNet50, 128 px": _exported(deck, STAGES), "shipped, 32 px": _exported(made, STAGES[1:])}


def _exported(sandbox: Sandbox, stages: Sequence[str]) -> dict[str, Any]:
    changes = yaml.safe_load((sandbox.folder / "params.yaml").read_text())
    changes["export"] |= {"check_pictures": 2000, "max_accuracy_drop": 1.0}
    (sandbox.folder / "params.yaml").write_text(yaml.safe_dump(changes))
    sandbox.prepare()
    for stage in stages:
        sandbox.run(PROJECT / f"src/{stage}.py", shown=True)
    found, speeds = ExportResults.read(sandbox.folder / "outputs/export"), measured_speeds(sandbox.folder / "outputs")
    accuracy = EvaluationScores.read(sandbox.folder / "outputs/evaluation").test.accuracy
    rows = {name: asdict(quality) | asdict(speeds[name]) for name, quality in found.formats.items()}
    return {"pictures": found.pictures, "accuracy": accuracy, "formats": rows}
