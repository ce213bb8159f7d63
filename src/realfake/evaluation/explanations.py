"""What evaluate shows beside its scores: where the network looked, and what damage does to it."""

from pathlib import Path

import keras
import numpy as np

from realfake.config.schema import EvaluateParams
from realfake.data.corruption import SUITE
from realfake.data.dataset import balanced_sample
from realfake.evaluation import explanation_plots, plots
from realfake.evaluation.grad_cam import grad_cam
from realfake.evaluation.robustness import Robustness, damaged
from realfake.evaluation.scoring import Evaluation
from realfake.metrics.scores import surest_mistakes

_RIGHT, _WRONG = 16, 16


def draw(
    network: keras.Model, evaluation: Evaluation, robustness: Robustness, params: EvaluateParams, folder: Path
) -> None:
    """Write grad_cam.png (right answers, then the surest mistakes) and robustness.png into an existing folder.

    Args:
        network: that was evaluated.
        evaluation: of its answers.
        robustness: of the same network.
        params: threshold and seed.
        folder: of evaluate's figures.
    """
    pictures, labels = evaluation.split.pictures, evaluation.split.labels
    right = np.flatnonzero((evaluation.probabilities >= params.threshold) == (labels == 1))
    shown = right[balanced_sample(labels[right], _RIGHT, params.seed)]
    surest = surest_mistakes(labels, evaluation.probabilities, params.threshold, _WRONG)
    places = np.concatenate([shown, surest])
    probabilities, maps = grad_cam(network, pictures[places], params.threshold)
    looked = explanation_plots.explanations(pictures[places], labels[places], probabilities, maps, params.threshold)
    plots.save(looked, folder / "grad_cam.png")
    example = pictures[balanced_sample(labels, 2, params.seed)][-1:]
    examples = {
        kind: np.concatenate([example, *(damaged(example, kind, s, params.seed) for s in SUITE[kind].severities)])
        for kind in SUITE
    }
    titles = {kind: f"{kind}: {SUITE[kind].unit}" for kind in SUITE}
    plots.save(explanation_plots.severity_curves(robustness, titles, examples), folder / "robustness.png")
