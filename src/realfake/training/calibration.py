"""Probabilities that mean what they say: temperature or Platt scaling, fitted on val and folded into the last layer.

A calibrated network is a network like any other: every exported format carries the scaling, and none computes it.
"""

from typing import Literal, NamedTuple

import keras
import numpy as np

from realfake.core.arrays import Labels, Pictures, Probabilities
from realfake.metrics.scores import Array, scores
from realfake.models.saving import predict
from realfake.training.training_record import Calibration

Method = Literal["none", "temperature", "platt"]
_CLIP = 1e-7
_STEPS = 100
_BINS = 15
_KNOWS = 0.05
"""Standard deviation of P(REAL) from which on a network is worth scaling; 8 bits tell 0.004 apart."""


class Scaling(NamedTuple):
    """P(REAL) becomes sigmoid(scale * logit + shift); 1 / scale is the temperature of Guo et al. 2017."""

    scale: float
    shift: float


UNSCALED = Scaling(1.0, 0.0)


def fit_scaling(labels: Labels, probabilities: Probabilities, method: Method) -> Scaling:
    """The scaling that makes labels likeliest (least log loss), by Newton's method.

    Labels are drawn in as in Platt 1999, so that classes which are fully apart do not ask for infinite confidence.

    Args:
        labels: uint8 (N,), both classes.
        probabilities: float (N,), P(REAL), of pictures that the network has not learnt from.
        method: temperature fits the scale alone and leaves every label called at 0.5 as it was; platt both. A network
            that hardly knows anything, whose answers would shrink to one value or turn round, is left as it is.
    """
    if method == "none":
        return UNSCALED
    logits = _logits(probabilities)
    real, fake = int((labels == 1).sum()), int((labels == 0).sum())
    targets = np.where(labels == 1, (real + 1) / (real + 2), 1 / (fake + 2))
    columns = np.column_stack([logits, np.ones_like(logits)])[:, : 1 if method == "temperature" else 2]
    found = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        answers = 1 / (1 + np.exp(-columns @ found))
        curvature = (columns * (answers * (1 - answers))[:, None]).T @ columns
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(found)), columns.T @ (answers - targets))
        while _loss(columns @ (found - step), targets) > _loss(columns @ found, targets):  # overshot: flat far out
            step /= 2
        found -= step
        if np.abs(step).max() < 1e-9:
            break
    scaling = Scaling(float(found[0]), float(found[1]) if method == "platt" else 0.0)
    return scaling if scaling.scale > 0 and _scaled(probabilities, scaling).std() > _KNOWS else UNSCALED


def calibrate(network: keras.Model, pictures: Pictures, labels: Labels, method: Method) -> Calibration:
    """Fit the scaling on pictures of val and make it part of the network, in place.

    Args:
        network: computing in float32, as it will be used.
        pictures: uint8 (N, S, S, 3).
        labels: uint8 (N,), both classes.
        method: as in `fit_scaling`; none changes nothing and computes nothing.

    Returns:
        The scaling; unless none, also scores of the finished network on the same pictures.
    """
    if method == "none":
        return Calibration(*UNSCALED)
    probabilities = predict(network, pictures)
    scaling = fit_scaling(labels, probabilities, method)
    fold_scaling(network, scaling)
    before, after = (scores(labels, some, 0.5, _BINS) for some in (probabilities, _scaled(probabilities, scaling)))
    return Calibration(*scaling, after["accuracy"], after["log_loss"], after["ece"], before["ece"])


def fold_scaling(network: keras.Model, scaling: Scaling) -> None:
    """Make the scaling part of the network's last layer, in place."""
    layer = network.get_layer("probability_real")
    kernel, bias = layer.get_weights()
    scale, shift = np.float32(scaling.scale), np.float32(scaling.shift)
    layer.set_weights([kernel * scale, bias * scale + shift])


def _logits(probabilities: Probabilities) -> Array:
    clipped = probabilities.astype(np.float64).clip(_CLIP, 1 - _CLIP)
    odds: Array = np.log(clipped / (1 - clipped))
    return odds


def _scaled(probabilities: Probabilities, scaling: Scaling) -> Array:
    answers: Array = 1 / (1 + np.exp(-(scaling.scale * _logits(probabilities) + scaling.shift)))
    return answers


def _loss(logits: Array, targets: Array) -> float:
    """Mean cross-entropy of logits against targets in [0, 1]."""
    return float(np.mean(np.logaddexp(0, logits) - targets * logits))
