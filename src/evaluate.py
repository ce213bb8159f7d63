"""Stage evaluate: score the trained network on the test pictures. `python src/evaluate.py` or `dvc repro`."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from realfake import evaluation, tracking
from realfake.dataset import load_split
from realfake.errors import run
from realfake.evaluation import Evaluation
from realfake.params import EvaluateParams, flatten, load_params
from realfake.quiet import import_keras
from realfake.workspace import atomic_folder, exclusive, workspace

BLOCK = 1024
"""Pictures between two steps of the progress bar."""


def evaluate(model: Path, prepared: Path, params: EvaluateParams, output: Path) -> Evaluation:
    """Score the network in `model` on the test pictures of `prepared`; replace the folder `output` with the result."""
    test = load_split(prepared, "test")
    import_keras()
    from realfake.network import load_network, predict

    network = load_network(model / "model.keras")
    starts = tqdm(range(0, len(test.labels), BLOCK), desc="predicting", disable=None, leave=False)
    probabilities = np.concatenate([predict(network, test.pictures[start : start + BLOCK]) for start in starts])
    result = evaluation.assess(test, probabilities, params)
    with atomic_folder(output) as folder:
        evaluation.write(result, params, folder)
    return result


def main() -> None:
    """Run the stage on this checkout and log it to the run that trained the model."""
    root = workspace()
    params = load_params(root / "params.yaml")
    model, output = root / "outputs/model", root / "outputs/evaluation"
    with exclusive("evaluate"):
        result = evaluate(model, root / "outputs/prepared", params.evaluate, output)
        tracking.log_stage(
            "evaluate", model, flatten(params.evaluate), evaluation.flat(result), output, params.tracking.experiment
        )
    print(evaluation.summary(result, params.evaluate.threshold))


if __name__ == "__main__":
    run(main)
