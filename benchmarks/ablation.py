"""What each ingredient of the native recipe gives: two epochs of all of CIFAKE's train each, scored on val alone.

Each row is a tracked run of `python src/train.py` in `.cache/bench/ablation`; `mlflow ui` there shows them.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scene import PROJECT, Scene

EPOCHS = 2
PLAIN = {
    "train.backbone": "resnet20",
    "train.width": 16,
    "train.stem_stride": 1,
    "train.precision": "float32",
    "train.augmentation.corruption": 0.0,
}
"""The network of the resnet20 recipe; its schedule and weight decay are native's."""
ARCHITECTURE = {name: PLAIN[name] for name in ("train.precision", "train.augmentation.corruption")}
ROWS: dict[str, Mapping[str, Any]] = {
    "ResNet-20, 16 channels, whole size": PLAIN,
    "ResNet-14, 32 channels, half the size": ARCHITECTURE,
    "... in bfloat16": {"train.augmentation.corruption": 0.0},
    "... on damaged pictures: the native recipe": {},
    "native, no augmentation but damage": {"train.augmentation.strength": 0.0},
    "native, stronger augmentation": {"train.augmentation.strength": 1.0},
    "native, every view damaged": {"train.augmentation.corruption": 1.0},
    "native, label smoothing 0.1": {"train.label_smoothing": 0.1},
    "native, averaged weights (0.99)": {"train.optimizer.averaging": 0.99},
    "native, batches of 256": {"train.batch_size": 256, "train.optimizer.learning_rate": 0.005},
    "native, shallower and wider": {"train.backbone": "resnet8", "train.width": 48},
}
DAMAGED = 2000


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Val accuracy, clean and damaged, with and without flips, and seconds, of each row; `count` is not used."""
    scene = Scene("ablation", archive, "native", {})
    rows = {}
    for title, changes in ROWS.items():
        scene.set({"train.epochs": EPOCHS, "train.optimizer.warmup_epochs": 0.2, **changes})
        prepared = scene.prepared()
        started = time.perf_counter()
        scene.run(PROJECT / "src/train.py")
        seconds = time.perf_counter() - started
        rows[title] = _scores(scene.folder, prepared) | {"train_seconds": seconds}
        print(f"  {title:<44} " + "  ".join(f"{k} {v:.4g}" for k, v in rows[title].items()), flush=True)
    return {"epochs": EPOCHS, "val": len(np.load(prepared / "val_labels.npy")), "damaged": DAMAGED, "rows": rows}


def _scores(folder: Path, prepared: Path) -> dict[str, float]:
    os.chdir(folder)
    from realfake import robustness
    from realfake.dataset import balanced_sample, load_arrays
    from realfake.metrics import accuracy
    from realfake.network import load_network, predict
    from realfake.params import load_params

    network = load_network(folder / "outputs/model/model.keras")
    pictures, labels = load_arrays(prepared, "val")
    answers = predict(network, pictures)
    flipped = (answers + predict(network, np.ascontiguousarray(pictures[:, :, ::-1]))) / 2
    chosen = balanced_sample(labels, DAMAGED, seed=0)
    params = load_params(folder / "params.yaml").evaluate
    damaged = robustness.measure(
        lambda seen: predict(network, seen), pictures[chosen], labels[chosen], answers[chosen], params
    )
    return {
        "weights": network.count_params(),
        "accuracy": accuracy(labels, answers),
        "accuracy_with_flips": accuracy(labels, flipped),
        "damaged_accuracy": damaged.means["accuracy"],
    }
