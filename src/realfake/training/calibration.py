"""Calibrate a network's probabilities by temperature or Platt scaling, fitted on val and folded into the last layer.

The scaling becomes part of the weights, so every exported format has it without any code of its own.
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
"""Distance of probabilities from 0 and 1 before their logit is taken."""
_STEPS = 100
"""Largest number of Newton steps."""
_BINS = 15
"""Bins of the expected calibration error that is reported."""
_MIN_SPREAD = 0.05
"""Smallest standard deviation of the scaled P(REAL) that is accepted; an 8-bit format resolves steps of 0.004."""


class Scaling(NamedTuple):
    """Hold a scaling: P(REAL) becomes sigmoid(scale * logit + shift)."""

    scale: float
    """Inverse of the temperature of Guo et al. 2017."""
    shift: float
    """Added to the scaled logit; 0 for temperature scaling."""


UNSCALED = Scaling(1.0, 0.0)
"""The scaling that changes nothing."""


def fit_scaling(labels: Labels, probabilities: Probabilities, method: Method) -> Scaling:
    """Return the scaling with the lowest log loss, found by Newton's method.

    The targets are smoothed as in Platt 1999, so that the scaling stays finite for perfectly separated classes. A
    scaling with a scale of 0 or less, or one that leaves hardly any spread, is rejected: `UNSCALED` is returned.

    Args:
        labels: uint8 (N,), both classes.
        probabilities: float (N,), P(REAL), of pictures that the network was not trained on.
        method: "temperature" fits the scale only, which keeps every prediction at threshold 0.5; "platt" fits scale
            and shift; "none" returns `UNSCALED`.
    """
    if method == "none":
        return UNSCALED
    logits = _logits(probabilities)
    real, fake = int((labels == 1).sum()), int((labels == 0).sum())
    targets = np.where(labels == 1, (real + 1) / (real + 2), 1 / (fake + 2))
    columns = np.column_stack([logits, np.ones_like(logits)])[:, : 1 if method == "temperature" else 2]
    weights = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        scaled = 1 / (1 + np.exp(-columns @ weights))
        curvature = (columns * (scaled * (1 - scaled))[:, None]).T @ columns
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(weights)), columns.T @ (scaled - targets))
        # Newton overshoots where the loss is flat; halve the step until the loss does not rise.
        while _loss(columns @ (weights - step), targets) > _loss(columns @ weights, targets):
            step /= 2
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    scaling = Scaling(float(weights[0]), float(weights[1]) if method == "platt" else 0.0)
    return scaling if scaling.scale > 0 and _scale(probabilities, scaling).std() > _MIN_SPREAD else UNSCALED


def calibrate(network: keras.Model, pictures: Pictures, labels: Labels, method: Method) -> Calibration:
    """Fit a scaling on pictures of val and fold it into the network, in place.

    Args:
        network: the finished network, in float32.
        pictures: pictures of val, uint8 (N, S, S, 3).
        labels: uint8 (N,), both classes.
        method: as in `fit_scaling`; "none" leaves the network as it is.

    Returns:
        The scaling, and the scores of the calibrated network on the same pictures unless the method is "none".
    """
    if method == "none":
        return Calibration(*UNSCALED)
    probabilities = predict(network, pictures)
    scaling = fit_scaling(labels, probabilities, method)
    fold_scaling(network, scaling)
    scaled = _scale(probabilities, scaling)
    before, after = (scores(labels, values, 0.5, _BINS) for values in (probabilities, scaled))
    return Calibration(*scaling, after["accuracy"], after["log_loss"], after["ece"], before["ece"])


def fold_scaling(network: keras.Model, scaling: Scaling) -> None:
    """Multiply the last layer's weights by the scale and add the shift to its bias, in place."""
    layer = network.get_layer("probability_real")
    kernel, bias = layer.get_weights()
    scale, shift = np.float32(scaling.scale), np.float32(scaling.shift)
    layer.set_weights([kernel * scale, bias * scale + shift])


def _logits(probabilities: Probabilities) -> Array:
    clipped = probabilities.astype(np.float64).clip(_CLIP, 1 - _CLIP)
    logits: Array = np.log(clipped / (1 - clipped))
    return logits


def _scale(probabilities: Probabilities, scaling: Scaling) -> Array:
    scaled: Array = 1 / (1 + np.exp(-(scaling.scale * _logits(probabilities) + scaling.shift)))
    return scaled


def _loss(logits: Array, targets: Array) -> float:
    """Return the mean cross-entropy of logits against targets in [0, 1]."""
    return float(np.mean(np.logaddexp(0, logits) - targets * logits))
