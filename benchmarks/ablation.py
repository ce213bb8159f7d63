"""What each ingredient of the native recipe gives: twelve epochs of a tenth of CIFAKE's train, scored on val alone.

Each row is a tracked run of `python src/train.py` in `.cache/bench/ablation`; `mlflow ui` there shows them.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import PROJECT, Sandbox

BUDGET = {
    "preprocess.max_per_class": 9000,  # half of them val
    "preprocess.val_fraction": 0.5,
    "train.epochs": 12,
    "train.mirror": False,  # a column of its own
    "train.calibration": "none",  # it would be fitted on the val that is scored
    "evaluate.robustness_pictures": 1000,
}
PLAIN = {
    "train.backbone": "resnet20",
    "train.precision": "float32",
    "train.augmentation.strength": 0.0,
    "train.augmentation.corruption": 0.0,
    "train.optimizer.name": "adamw",
    "train.optimizer.learning_rate": 0.003,
    "train.optimizer.weight_decay": 0.05,
}


def _without(*names: str) -> dict[str, Any]:
    """PLAIN without the ingredients that a row adds: those it takes from the native recipe."""
    return {name: value for name, value in PLAIN.items() if not name.startswith(tuple(names))}


ROWS: dict[str, Mapping[str, Any]] = {
    "ResNet-20: three stages, AdamW, float32": PLAIN,
    "+ four stages: ResNet-18": _without("train.backbone"),
    "+ SGD": _without("train.backbone", "train.optimizer"),
    "+ bfloat16": _without("train.backbone", "train.optimizer", "train.precision"),
    "+ flips, shifts, tones": {"train.augmentation.corruption": 0.0},
    "+ damaged pictures: the native recipe": {},
    "native, label smoothing 0.1": {"train.label_smoothing": 0.1},
    "native, averaged weights (0.99)": {"train.optimizer.averaging": 0.99},
}


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Val accuracy, asked once and twice, on damaged pictures, and seconds, of each row; `count` is not used."""
    sandbox = Sandbox("ablation", archive, "native", {})
    rows = {}
    for title, changes in ROWS.items():
        sandbox.set_params({**BUDGET, **changes})
        prepared = sandbox.prepare()
        sandbox.clear_cache("checkpoints")  # a row that is trained again must cost what it costs
        started = time.perf_counter()
        sandbox.run(PROJECT / "src/train.py")
        seconds = time.perf_counter() - started
        rows[title] = _scores(sandbox.folder, prepared) | {"train_seconds": seconds}
        print(f"  {title:<44} " + "  ".join(f"{k} {v:.4g}" for k, v in rows[title].items()), flush=True)
    train, val = (len(np.load(prepared / f"{split}_labels.npy")) for split in ("train", "val"))
    budget = {"epochs": BUDGET["train.epochs"], "train": train, "val": val}
    budget["damaged"] = BUDGET["evaluate.robustness_pictures"]
    return budget | {"rows": rows}


def _scores(folder: Path, prepared: Path) -> dict[str, float]:
    os.chdir(folder)
    from realfake.config.schema import load_params
    from realfake.data.dataset import load_split
    from realfake.evaluation import robustness
    from realfake.metrics.scores import accuracy
    from realfake.models.saving import load_network, predict
    from realfake.models.test_time_augmentation import average_over_mirror_image

    network = load_network(folder / "outputs/model/model.keras")
    val = load_split(prepared, "val")
    answers = predict(network, val.pictures)
    params = load_params(folder / "params.yaml")
    twice = predict(average_over_mirror_image(network, params.train), val.pictures)
    damaged = robustness.measure(lambda seen: predict(network, seen), val, answers, params.evaluate)
    return {
        "weights": network.count_params(),
        "accuracy": accuracy(val.labels, answers),
        "accuracy_mirrored": accuracy(val.labels, twice),
        "damaged_accuracy": damaged.means["accuracy"],
    }
