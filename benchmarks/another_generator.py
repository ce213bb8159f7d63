"""What the shipped network knows of another generator: the embedded sample's GAN, before and after it learns a little.

The network that learnt from CIFAKE (Stable Diffusion) answers for the sample's test pictures as it is, then after the
quick recipe adapted it to some of the sample's training pictures, beside a network that starts from scratch on them.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import PROJECT, Sandbox

from realfake.core.errors import UserError

COUNTS = (100, 300, 1000, None)
"""Training pictures; None: all. A part of val in proportion chooses the epoch."""
FEW = {"batch_size": 16, "epochs": 30, "optimizer.warmup_epochs": 5.0}
"""More and gentler steps, for few pictures."""
WAYS: dict[str, tuple[str, Mapping[str, Any], Sequence[int | None]]] = {
    "quick": ("quick", {}, COUNTS),
    "quick, small batches": ("quick", FEW, COUNTS[:3]),
    "quick, head alone": ("quick", {"unfreeze": 0}, COUNTS),
    "scratch": ("scratch", {}, COUNTS),
}
"""Titles, recipes, what differs from them, and how many pictures."""


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Scores on the sample's test pictures; `archive` is not used, `count` is the number of seeds."""
    if (PROJECT / "data.dvc").read_bytes() != (PROJECT / "remote/sample.dvc").read_bytes():
        raise UserError("data/ does not hold the embedded sample; `python src/fetch.py --sample` brings it back")
    sandbox = Sandbox("another_generator", PROJECT / "data/pictures.tar.gz", "quick", {})
    prepared = sandbox.prepare()
    os.chdir(PROJECT)
    from realfake.config.schema import load_params, with_values
    from realfake.data.dataset import load_arrays
    from realfake.models import pretrained
    from realfake.models.saving import load_network

    arrays = {split: load_arrays(prepared, split) for split in ("train", "val", "test")}
    rows = {"as shipped": [_scores(load_network(PROJECT / pretrained.NETWORK), *arrays["test"])]}
    for way, (recipe, changes, counts) in WAYS.items():
        params = with_values(load_params(PROJECT / f"recipes/{recipe}.yaml").train, changes)
        for some in counts:
            title = f"{way}, {some or len(arrays['train'][1]):,} pictures"
            rows[title] = [_adapted(params.model_copy(update={"seed": seed}), arrays, some) for seed in range(count)]
            print(f"  {title:<32} {rows[title]}", flush=True)
    return {"test": len(arrays["test"][1]), "seeds": count, "rows": rows}


def _adapted(params: Any, arrays: dict[str, Any], some: int | None) -> dict[str, float]:
    from realfake.data.dataset import balanced_sample
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network
    from realfake.training import loop

    def part_of(split: str) -> tuple[Any, Any]:
        pictures, labels = arrays[split]
        if some is None:
            return pictures, labels
        count = max(2, round(some * len(labels) / len(arrays["train"][1])))
        chosen = balanced_sample(labels, count, seed=params.seed)
        return pictures[chosen], labels[chosen]

    started = time.perf_counter()
    network = build_network(params)
    with TrainablePart(network, params, part_of("train"), part_of("val")) as part:
        loop.fit(part.network, part.data, params)
    return _scores(network, *arrays["test"]) | {"seconds": time.perf_counter() - started}


def _scores(network: Any, pictures: Any, labels: Any) -> dict[str, float]:
    from realfake.metrics.scores import scores
    from realfake.models.saving import predict

    found = scores(labels, predict(network, pictures), 0.5, 15)
    return {name: float(np.round(found[name], 6)) for name in ("accuracy", "roc_auc", "recall", "fake_recall")}
