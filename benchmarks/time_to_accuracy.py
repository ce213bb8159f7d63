"""How long the resnet20 recipe takes to the deck's 86.76 % on CIFAKE's test, and the deck's own five epochs."""

import json
from pathlib import Path
from typing import Any

from sandbox import PROJECT, Sandbox, measure_in_rounds, median

from realfake.core.errors import UserError
from realfake.evaluation.results import EvaluationScores

TARGET = 0.8676
"""The deck's best accuracy on val; it gives none on test."""


DECK = Path(__file__).with_name("results") / "deck_recipe.json"


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Seconds of `preprocess` and `train` (one epoch of the resnet20 recipe), and the test accuracy they reach.

    The deck's epochs, scoring on val included, are those of deck_recipe.py, extrapolated to 100,000 pictures.
    """
    if not DECK.is_file():
        raise UserError("time_to_accuracy needs the result of deck_recipe; run that first")
    deck = json.loads(DECK.read_text())["result"]
    sandbox = Sandbox("native", archive, "resnet20", {"train.epochs": 1})

    def train() -> float:
        sandbox.clear_cache("checkpoints")
        return sandbox.run(PROJECT / "src/train.py")[0]

    seconds = measure_in_rounds(
        count, {"preprocess": lambda: sandbox.run(PROJECT / "src/preprocess.py")[0], "train, resnet20, 1 epoch": train}
    )
    sandbox.run(PROJECT / "src/evaluate.py")
    scores = EvaluationScores.read(sandbox.folder / "outputs/evaluation")
    extrapolated = {
        manner: 5 * 100_000 * median(taken) / deck["pictures"]
        for manner, taken in deck["tutorial_epoch_seconds"].items()
    }
    return {
        "seconds": seconds,
        "test_accuracy": scores.test.accuracy,
        "interval": [scores.low.accuracy, scores.high.accuracy],
        "target": TARGET,
        "deck_seconds_extrapolated": extrapolated,
    }
