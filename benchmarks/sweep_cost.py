"""What thirty trials over unfreeze depth cost with and without the feature cache: a few measured, the rest by sums."""

import os
import time
from pathlib import Path
from typing import Any

from sandbox import Sandbox, measure_in_rounds, median

DEPTHS = (0, 10, 20, 32)
EPOCHS, TRIALS = 3, 30


def measure(archive: Path, count: int, per_class: int = 500) -> dict[str, Any]:
    """Seconds of one trial at each depth, and of thirty trials spread evenly over the depths (worked out, not run)."""
    changes = {"train.weights": "none", "train.epochs": EPOCHS, "preprocess.max_per_class": per_class}
    sandbox = Sandbox("sweep", archive, "deck", changes)
    prepared = sandbox.prepare()
    os.chdir(sandbox.folder)
    from realfake.core.native_output import import_keras

    import_keras()
    from realfake.config.schema import load_params
    from realfake.data.dataset import load_arrays
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network
    from realfake.training import loop

    base = load_params(sandbox.folder / "params.yaml").train
    train, val = load_arrays(prepared, "train"), load_arrays(prepared, "val")
    filling: list[float] = []

    def trial(depth: int, max_gb: float) -> float:
        cache = base.cache.model_copy(update={"max_gb": max_gb})
        params = base.model_copy(update={"unfreeze": depth, "cache": cache})
        started = time.perf_counter()
        network = build_network(params)
        with TrainablePart(network, params, train, val, depth=max(DEPTHS)) as part:
            loop.fit(part.network, part.data, params)
            if part.use and part.use.computed:
                filling.append(part.use.seconds)
                return time.perf_counter() - started - part.use.seconds
        return time.perf_counter() - started

    sandbox.clear_cache("trunk")
    trial(DEPTHS[0], 20.0)
    measures = {}
    for depth in DEPTHS:
        measures[f"trial at depth {depth}, no cache"] = lambda depth=depth: trial(depth, 0.0)
        measures[f"trial at depth {depth}, shared cache"] = lambda depth=depth: trial(depth, 20.0)
    seconds = measure_in_rounds(count, measures)
    means = {
        kind: sum(median(values) for name, values in seconds.items() if name.endswith(kind)) / len(DEPTHS)
        for kind in ("no cache", "shared cache")
    }
    return {
        "pictures": per_class * 2,
        "epochs": EPOCHS,
        "seconds": seconds,
        "filling_seconds": filling[0],
        "thirty_trials_no_cache": TRIALS * means["no cache"],
        "thirty_trials_shared_cache": filling[0] + TRIALS * means["shared cache"],
    }
