"""What evaluate shows beside its scores: where the network looked, and what damage does to it."""

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
"""Side of a drawn picture, at least its own."""
_RIGHT, _WRONG = 16, 16
"""Pictures in the Grad-CAM figure that are called rightly, and wrongly."""
_CANDIDATES = 32
"""Pictures, half of them photographs, of which one becomes the example of damage."""


def draw_explanations(
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
    surest = most_confident_mistakes(labels, evaluation.probabilities, params.threshold, _WRONG)
    places = np.concatenate([shown, surest])
    probabilities, maps = grad_cam(network, pictures[places], params.threshold)
    looked = grad_cam_grid(pictures[places], labels[places], probabilities, maps, params.threshold)
    save_figure(looked, folder / "grad_cam.png")
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
    """Choose a photograph on which damage can be seen: of a few, the one whose neighbouring pixels differ most.

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,), at least one of them REAL.
        seed: of the choice of the few.

    Returns:
        uint8 (1, S, S, 3).
    """
    few = balanced_sample(labels, _CANDIDATES, seed)
    photographs = pictures[few[labels[few] == 1]]
    wide = photographs.astype(np.int64)
    across, down = (np.abs(np.diff(wide, axis=axis)).sum(axis=(1, 2, 3)) for axis in (2, 1))
    best = int(np.argmax(across + down))
    example: Pictures = photographs[best : best + 1]
    return example


@styled
def severity_curves(robustness: Robustness, titles: Mapping[str, str], examples: Mapping[str, Pictures]) -> "Figure":
    """Accuracy and ROC-AUC of each kind of damage by severity, from the clean pictures on.

    Args:
        robustness: all conditions.
        titles: a kind's title, in the order to draw.
        examples: for each kind one picture, clean and at each severity, uint8 (severities + 1, S, S, 3).
    """
    from matplotlib.ticker import PercentFormatter

    columns = 3
    rows = -(-len(titles) // columns)
    figure = new_figure(3.6 * columns, 3.0 * rows)
    figure.suptitle(f"Accuracy on damaged pictures ({robustness.pictures:,} test pictures)", fontweight="bold")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, (kind, title) in zip(grid.flat, titles.items(), strict=False):
        steps = [robustness.clean, *(c for c in robustness.conditions if c.kind == kind)]
        places = range(len(steps))
        axes.plot(places, [step.roc_auc for step in steps], color=GREY, marker="s", markersize=4, label="ROC-AUC")
        axes.plot(places, [step.accuracy for step in steps], color=BLUE, marker="o", markersize=5, label="accuracy")
        low, high = [step.ci_low for step in steps], [step.ci_high for step in steps]
        axes.fill_between(places, low, high, color=BLUE, alpha=0.2, linewidth=0, label="its 95 % interval")
        labels = ["clean", *(f"{step.severity:g}" for step in steps[1:])]
        axes.set(xticks=places, xticklabels=labels, ylim=(0.2, 1.02), xlim=(-0.5, len(steps) - 0.5))
        axes.set_title(title, fontsize=9)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for place, picture in zip(places, examples[kind], strict=True):
            inset = axes.inset_axes((place - 0.36, 0.22, 0.72, 0.2), transform=axes.transData)
            inset.imshow(picture, interpolation="nearest")
            inset.set_axis_off()
    grid.flat[0].legend(loc="upper right", bbox_to_anchor=(1.0, 0.62), fontsize=8)
    return figure


@styled
def grad_cam_grid(
    pictures: Pictures, labels: Labels, probabilities: Probabilities, maps: Maps, threshold: float
) -> "Figure":
    """Pictures, four a row, each beside where the evidence for the class it is called by is (Grad-CAM).

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,).
        probabilities: float (N,), P(REAL).
        maps: as `grad_cam` gives them.
        threshold: P(REAL) from which on a picture is called REAL.
    """
    shown, scale = [], max(1, _PIXELS // pictures.shape[1])
    for picture, probability, looked in zip(pictures, probabilities, maps, strict=True):
        sign = 1 if probability >= threshold else -1
        shown += [picture.repeat(scale, axis=0).repeat(scale, axis=1), overlay(picture, sign * looked, scale)]
    order = np.arange(len(labels)).repeat(2)
    title = "Where it looked (Grad-CAM): blue speaks for REAL, orange for FAKE"
    return prediction_grid(np.stack(shown), labels[order], probabilities[order], threshold, title)
