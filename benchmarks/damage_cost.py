"""What damaged training views cost on clean pictures: the shipped network trained on, with them and without, on CIFAKE.

Both are tracked runs of `python src/train.py`, in `.cache/bench/damage_with` and `damage_without`; they differ in
`train.augmentation.corruption` alone. After an interruption the same command goes on.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import PROJECT, Sandbox

ROWS = {"with": 0.5, "without": 0.0}
"""Part of the training views that is damaged."""
BUDGET = {
    "train.weights": str(PROJECT / "models/cifake/model.keras"),  # the digest in the recipe is this file's
    "train.epochs": 6,
    "train.optimizer.learning_rate": 0.04,
    "train.precision": "float32",  # bfloat16 is slower where the processor has no instructions for it
}
KINDS = ("jpeg_40", "noise_0.1", "blur_0.6")


def sandbox(row: str, archive: Path) -> Sandbox:
    """The folder that a row is trained in."""
    return Sandbox(f"damage_{row}", archive, "refine", {**BUDGET, "train.augmentation.corruption": ROWS[row]})


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Scores of both on all of val, clean, and on a part of it, damaged in every way; `count` is not used."""
    rows, clean = {}, {}
    for row in ROWS:
        made = sandbox(row, archive)
        prepared = made.prepare()
        made.run(PROJECT / "src/train.py", shown=True)
        rows[row], clean[row] = _scores(made.folder, prepared)
        print(f"  {row:<8} " + "  ".join(f"{name} {value:.4f}" for name, value in rows[row].items()), flush=True)
    return {"epochs": BUDGET["train.epochs"], "rows": rows, "cost": _difference(clean["without"], clean["with"])}


def _scores(folder: Path, prepared: Path) -> tuple[dict[str, float], Any]:
    """The figures, and which of val's pictures were right, bool (N,)."""
    os.chdir(folder)
    from realfake.config.schema import load_params
    from realfake.data.dataset import load_split
    from realfake.evaluation import robustness
    from realfake.metrics.scores import roc_auc
    from realfake.models.saving import load_network, predict

    network, params = load_network(folder / "outputs/model/model.keras"), load_params(folder / "params.yaml").evaluate
    val = load_split(prepared, "val")
    answers = predict(network, val.pictures)
    right = (answers >= params.threshold) == (val.labels == 1)
    damaged = robustness.measure(lambda seen: predict(network, seen), val, answers, params)
    flat = robustness.named_metrics(damaged)
    return {
        "pictures": len(right),
        "accuracy": float(right.mean()),
        "roc_auc": roc_auc(val.labels, answers),
        "damaged_accuracy": damaged.means["accuracy"],
        **{kind: flat[f"test/robust/{kind}"] for kind in KINDS},
    }, right


def _difference(without: Any, with_damage: Any) -> dict[str, float]:
    """Accuracy without less accuracy with, and its 95 % interval over the pictures, which both were asked."""
    apart = without.astype(float) - with_damage.astype(float)
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    mean = float(apart.mean())
    return {"mean": mean, "ci_low": mean - 1.96 * error, "ci_high": mean + 1.96 * error}
