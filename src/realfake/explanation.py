"""What evaluate shows beside its scores: where the network looked, and what damage does to it."""

from pathlib import Path

import keras
import numpy as np

from realfake import figures, figures_explain
from realfake.corruption import SUITE
from realfake.dataset import balanced_sample
from realfake.evaluation import Evaluation
from realfake.grad_cam import grad_cam
from realfake.metrics import surest_mistakes
from realfake.params import EvaluateParams
from realfake.robustness import Robustness, damaged

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
    looked = figures_explain.explanations(pictures[places], labels[places], probabilities, maps, params.threshold)
    figures.save(looked, folder / "grad_cam.png")
    example = pictures[balanced_sample(labels, 2, params.seed)][-1:]
    examples = {
        kind: np.concatenate([example, *(damaged(example, kind, s, params.seed) for s in SUITE[kind].severities)])
        for kind in SUITE
    }
    titles = {kind: f"{kind}: {SUITE[kind].unit}" for kind in SUITE}
    figures.save(figures_explain.severity_curves(robustness, titles, examples), folder / "robustness.png")
