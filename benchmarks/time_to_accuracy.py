"""How long the native recipe takes to the deck's 86.76 % on CIFAKE's test pictures, and the deck's own five epochs."""

import json
import time
from pathlib import Path
from typing import Any

from scene import PROJECT, Scene, median

TARGET = 0.8676


def measure(archive: Path, count: int, deck: dict[str, Any]) -> dict[str, Any]:
    """Minutes of `preprocess` and `train` (one epoch of the native recipe), and the test accuracy they reach.

    Args:
        archive: CIFAKE.
        count: unused; minutes of training need no repetition.
        deck: the result of deck_recipe.py, whose epochs are extrapolated to 100,000 pictures.
    """
    scene = Scene("native", archive, "native", {"train.epochs": 1})
    started = time.perf_counter()
    scene.run(PROJECT / "src/preprocess.py")
    preprocessing = time.perf_counter() - started
    scene.forget("checkpoints")
    training, _ = scene.run(PROJECT / "src/train.py")
    scene.run(PROJECT / "src/evaluate.py")
    metrics = json.loads((scene.folder / "outputs/evaluation/metrics.json").read_text())
    pictures = deck["pictures"] * 0.9  # a tenth is val
    extrapolated = {
        manner: 5 * 100_000 * median(seconds) / pictures for manner, seconds in deck["tutorial_epoch_seconds"].items()
    }
    return {
        "preprocess_seconds": preprocessing,
        "train_seconds": training,
        "test_accuracy": metrics["accuracy"],
        "target": TARGET,
        "deck_seconds_extrapolated": extrapolated,
    }
