"""The talk's recipe (recipes/deck.yaml), five epochs: a Keras tutorial's script against `python src/train.py`."""

from pathlib import Path
from typing import Any

from sandbox import PROJECT, Sandbox, measure_in_rounds

CHANGES = {"train.weights": "none", "train.epochs": 5}


def measure(archive: Path, count: int, per_class: int = 1500) -> dict[str, Any]:
    """Seconds of whole processes, from start to saved model, on the same real CIFAKE pictures."""
    sandbox = Sandbox("deck", archive, "deck", CHANGES | {"preprocess.max_per_class": per_class})
    folder = str(sandbox.write_jpegs())
    epochs: dict[str, list[float]] = {}

    def peer(manner: str) -> float:
        told = sandbox.run_json("peer_keras.py", folder, "5", manner)
        ends = told["epoch_ends"]
        epochs.setdefault(manner, []).append((ends[-1] - ends[0]) / 4)
        return float(told["process_seconds"])

    def ours(*forgotten: str) -> float:
        sandbox.clear_cache(*forgotten)
        return sandbox.run(PROJECT / "src/train.py")[0]

    def uncached() -> float:
        sandbox.set_params(CHANGES | {"preprocess.max_per_class": per_class, "train.cache.max_gb": 0.0})
        seconds = ours("checkpoints")
        sandbox.set_params(CHANGES | {"preprocess.max_per_class": per_class})
        return seconds

    seconds = measure_in_rounds(
        count,
        {
            "tutorial as written": lambda: peer("as-written"),
            "tutorial, tuned": lambda: peer("tuned"),
            "train, no cache": uncached,
            "train, cache filled on the way": lambda: ours("checkpoints", "trunk"),
            "train, cache there": lambda: ours("checkpoints"),
        },
    )
    return {"pictures": per_class * 2, "epochs": 5, "seconds": seconds, "tutorial_epoch_seconds": epochs}
