"""Draw the figures that explain a network: Grad-CAM maps, and scores by severity of damage."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from realfake.config.schema import EvaluateParams
from realfake.core.arrays import Labels, Pictures, Probabilities
from realfake.core.plot_style import BLUE, GREY, new_figure, save_figure, styled
from realfake.data.corruption import SUITE
from realfake.data.dataset import balanced_sample
from realfake.evaluation.grad_cam import Maps, grad_cam
from realfake.evaluation.plots import prediction_grid
from realfake.evaluation.robustness import Robustness, damage_pictures
from realfake.evaluation.scoring import Evaluation
from realfake.inference.occlusion import overlay
from realfake.metrics.scores import most_confident_mistakes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PIXELS = 128
"""Side in pixels to which small pictures are enlarged."""
_RIGHT, _WRONG = 16, 16
"""Numbers of correct and of wrong predictions in the Grad-CAM figure."""
_CANDIDATES = 32
"""Pictures, half of them photographs, from which the example of damage is chosen."""


def draw_explanations(
    network: keras.Model, evaluation: Evaluation, robustness: Robustness, params: EvaluateParams, folder: Path
) -> None:
    """Write grad_cam.png (correct predictions, then the most confident mistakes) and robustness.png.

    Args:
        network: the network that was evaluated.
        evaluation: its evaluation on clean pictures.
        robustness: its evaluation on damaged pictures.
        params: evaluation parameters; threshold and seed are used.
        folder: an existing folder to write to.
    """
    pictures, labels = evaluation.split.pictures, evaluation.split.labels
    right = np.flatnonzero((evaluation.probabilities >= params.threshold) == (labels == 1))
    correct = right[balanced_sample(labels[right], _RIGHT, params.seed)]
    mistakes = most_confident_mistakes(labels, evaluation.probabilities, params.threshold, _WRONG)
    chosen = np.concatenate([correct, mistakes])
    probabilities, maps = grad_cam(network, pictures[chosen], params.threshold)
    grid = grad_cam_grid(pictures[chosen], labels[chosen], probabilities, maps, params.threshold)
    save_figure(grid, folder / "grad_cam.png")
    example = choose_example(pictures, labels, params.seed)
    examples = {
        kind: np.concatenate(
            [example, *(damage_pictures(example, kind, s, params.seed) for s in SUITE[kind].severities)]
        )
        for kind in SUITE
    }
    titles = {kind: f"{kind}: {SUITE[kind].unit}" for kind in SUITE}
    save_figure(severity_curves(robustness, titles, examples), folder / "robustness.png")


def choose_example(pictures: Pictures, labels: Labels, seed: int) -> Pictures:
    """Choose a photograph that shows damage well: the candidate with the largest differences of neighbouring pixels.

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,), at least one of them REAL.
        seed: seed of the random choice of candidates.

    Returns:
        The photograph, uint8 (1, S, S, 3).
    """
    candidates = balanced_sample(labels, _CANDIDATES, seed)
    photographs = pictures[candidates[labels[candidates] == 1]]
    values = photographs.astype(np.int64)
    across, down = (np.abs(np.diff(values, axis=axis)).sum(axis=(1, 2, 3)) for axis in (2, 1))
    best = int(np.argmax(across + down))
    example: Pictures = photographs[best : best + 1]
    return example


@styled
def severity_curves(robustness: Robustness, titles: Mapping[str, str], examples: Mapping[str, Pictures]) -> "Figure":
    """Draw accuracy and ROC-AUC against the severity of each kind of damage, starting with clean pictures.

    Args:
        robustness: scores of all conditions.
        titles: title of each kind's panel, in the order of the panels.
        examples: a picture for each kind, clean and at each severity, uint8 (severities + 1, S, S, 3).
    """
    from matplotlib.ticker import PercentFormatter

    columns = 3
    rows = -(-len(titles) // columns)
    figure = new_figure(3.6 * columns, 3.0 * rows)
    figure.suptitle(f"Accuracy on damaged pictures ({robustness.pictures:,} test pictures)", fontweight="bold")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, (kind, title) in zip(grid.flat, titles.items(), strict=False):
        steps = [robustness.clean, *(c for c in robustness.conditions if c.kind == kind)]
        x = range(len(steps))
        axes.plot(x, [step.roc_auc for step in steps], color=GREY, marker="s", markersize=4, label="ROC-AUC")
        axes.plot(x, [step.accuracy for step in steps], color=BLUE, marker="o", markersize=5, label="accuracy")
        low, high = [step.ci_low for step in steps], [step.ci_high for step in steps]
        axes.fill_between(x, low, high, color=BLUE, alpha=0.2, linewidth=0, label="its 95 % interval")
        labels = ["clean", *(f"{step.severity:g}" for step in steps[1:])]
        axes.set(xticks=x, xticklabels=labels, ylim=(0.2, 1.02), xlim=(-0.5, len(steps) - 0.5))
        axes.set_title(title, fontsize=9)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for centre, picture in zip(x, examples[kind], strict=True):
            inset = axes.inset_axes((centre - 0.36, 0.22, 0.72, 0.2), transform=axes.transData)
            inset.imshow(picture, interpolation="nearest")
            inset.set_axis_off()
    grid.flat[0].legend(loc="upper right", bbox_to_anchor=(1.0, 0.62), fontsize=8)
    return figure


@styled
def grad_cam_grid(
    pictures: Pictures, labels: Labels, probabilities: Probabilities, maps: Maps, threshold: float
) -> "Figure":
    """Draw pictures, four per row, each with its Grad-CAM map beside it, coloured by the predicted class.

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,).
        probabilities: float (N,), P(REAL).
        maps: maps from `grad_cam`.
        threshold: P(REAL) from which on a picture is called REAL.
    """
    images, scale = [], max(1, _PIXELS // pictures.shape[1])
    for picture, probability, evidence in zip(pictures, probabilities, maps, strict=True):
        sign = 1 if probability >= threshold else -1
        images += [picture.repeat(scale, axis=0).repeat(scale, axis=1), overlay(picture, sign * evidence, scale)]
    order = np.arange(len(labels)).repeat(2)
    title = "Where it looked (Grad-CAM): blue speaks for REAL, orange for FAKE"
    return prediction_grid(np.stack(images), labels[order], probabilities[order], threshold, title)
