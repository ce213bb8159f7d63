"""Fine-tuning a pretrained ResNet-20's last stage: what few cached views and faster runtimes cost in accuracy.

Each row is a training with the project's own `fit` on 12,500 pictures of CIFAKE's train, scored on 12,500 others (val)
and on the 2,000 test pictures, by the whole network in TensorFlow, whatever runtime had computed the frozen layers.
"""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from pretext import weights
from sandbox import Sandbox, median

EPOCHS, LAST_STAGE = 8, 23
RUNTIMES = ("tensorflow", "onnxruntime", "onnxruntime_int8", "openvino_bf16", "openvino_int8")


def measure(archive: Path, count: int, per_class: int = 12_500) -> dict[str, Any]:
    """Accuracy on test and val, and seconds with the cache filled on the way, for views and for runtimes."""
    sandbox = Sandbox(
        "transfer", archive, "resnet20", {"preprocess.max_per_class": per_class, "preprocess.val_fraction": 0.5}
    )
    path = weights(sandbox)
    os.chdir(sandbox.folder)
    from realfake.config.schema import TrainParams, load_params
    from realfake.core.files import sha256_file

    base = load_params(sandbox.folder / "params.yaml").train.model_dump()
    base |= {"weights": str(path), "weights_sha256": sha256_file(path), "unfreeze": LAST_STAGE, "epochs": EPOCHS}
    rows: dict[str, dict[str, Any]] = {}
    for title, strength, views, runtime, max_gb in _rows():
        taken = []
        for seed in range(count):
            augmentation = {"strength": strength, "corruption": 0.0, "views": views}
            cache = {"max_gb": max_gb, "runtime": runtime}
            params = base | {"augmentation": augmentation, "cache": cache, "seed": seed}
            taken.append(_train(sandbox, TrainParams.model_validate(params)))
            print(f"  {title:<40} seed {seed}  " + "  ".join(f"{k} {v:.4g}" for k, v in taken[-1].items()), flush=True)
        rows[title] = {key: median([row[key] for row in taken]) for key in taken[0]}
    counts = {split: len(np.load(sandbox.prepare() / f"{split}_labels.npy")) for split in ("train", "val", "test")}
    return {"pictures": counts, "epochs": EPOCHS, "seeds": count, "rows": rows}


def _rows() -> list[tuple[str, float, int | None, str, float]]:
    """Title, strength, views, runtime, budget."""
    augmented = [(f"{views} of {EPOCHS} views", 0.4, views, "tensorflow", 20.0) for views in (1, 2, 4)]
    runtimes = [(f"runtime {name}", 0.0, None, name, 20.0) for name in RUNTIMES]
    return [
        ("no augmentation, no cache", 0.0, None, "tensorflow", 0.0),
        *runtimes,
        *augmented,
        (f"a view an epoch ({EPOCHS})", 0.4, None, "tensorflow", 20.0),
        ("a view an epoch, no cache", 0.4, None, "tensorflow", 0.0),
    ]


def _train(sandbox: Sandbox, params: Any) -> dict[str, float]:
    from realfake.data.dataset import load_arrays
    from realfake.feature_cache.features import TrainablePart
    from realfake.metrics.scores import accuracy
    from realfake.models.builder import build_network
    from realfake.models.saving import predict
    from realfake.training import loop

    prepared = sandbox.prepare()
    train, val, test = (load_arrays(prepared, split) for split in ("train", "val", "test"))
    sandbox.clear_cache("trunk")
    started = time.perf_counter()
    network = build_network(params)
    with TrainablePart(network, params, train, val) as part:
        loop.fit(part.network, part.data, params)
        filling = part.use.seconds if part.use else 0.0
    seconds = time.perf_counter() - started
    return {
        "test_accuracy": accuracy(test[1], predict(network, test[0])),
        "val_accuracy": accuracy(val[1], predict(network, val[0])),
        "seconds": seconds,
        "filling_seconds": filling,
    }
