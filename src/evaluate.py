"""Run the stage evaluate: score the trained network on the test pictures, clean and damaged.

`python src/evaluate.py`, or `dvc repro evaluate`. Its parameters are the group evaluate of params.yaml.
"""

from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from realfake.config.schema import EvaluateParams, flatten, load_params
from realfake.core.command_line import take_no_arguments
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive_lock, workspace
from realfake.core.native_output import import_keras
from realfake.data.dataset import load_split
from realfake.evaluation import robustness, scoring
from realfake.evaluation.outputs import write_outputs
from realfake.evaluation.plots import draw_scores
from realfake.evaluation.robustness import Robustness
from realfake.evaluation.scoring import Evaluation
from realfake.tracking import runs

BLOCK = 1024
"""Pictures per step of the progress bar."""


def evaluate(model: Path, prepared: Path, params: EvaluateParams, output: Path) -> tuple[Evaluation, Robustness]:
    """Score a network on the test pictures, clean and with every kind of damage.

    Args:
        model: the folder that train wrote.
        prepared: the folder that preprocess wrote.
        params: the group evaluate of params.yaml.
        output: the folder to replace with scores, predictions and figures.

    Raises:
        UserError: the network or the pictures are missing or damaged; `output` stays as it was.
    """
    test = load_split(prepared, "test")
    import_keras()
    from realfake.evaluation.explanations import draw_explanations
    from realfake.models.saving import load_network, predict

    network = load_network(model / "model.keras")
    bar = partial(tqdm, disable=None, leave=False)
    starts = bar(range(0, len(test.labels), BLOCK), desc="predicting")
    probabilities = np.concatenate([predict(network, test.pictures[start : start + BLOCK]) for start in starts])
    result = scoring.evaluate_predictions(test, probabilities, params)
    damaged = robustness.measure(partial(predict, network), test, probabilities, params, partial(bar, desc="damaging"))
    with atomic_folder(output) as folder:
        write_outputs(result, damaged, params, folder)
        draw_scores(result, params, folder / "figures")
        draw_explanations(network, result, damaged, params, folder / "figures")
    return result, damaged


def main() -> None:
    """Run the stage in this checkout and log it to the MLflow run that trained the model."""
    take_no_arguments(__doc__)
    root = workspace()
    params = load_params(root / "params.yaml")
    model, output = root / "outputs/model", root / "outputs/evaluation"
    with exclusive_lock("evaluate"):
        result, damaged = evaluate(model, root / "outputs/prepared", params.evaluate, output)
        figures = scoring.named_metrics(result) | robustness.named_metrics(damaged)
        runs.log_stage("evaluate", model, flatten(params.evaluate), figures, output, params.tracking.experiment)
    print(scoring.summary(result, params.evaluate.threshold))
    print(robustness.summary(damaged))


if __name__ == "__main__":
    run(main)
