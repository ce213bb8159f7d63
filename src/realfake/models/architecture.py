"""Describe what a network is made of: the names of its layers, and its parts in words for reports and figures."""

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from realfake.config.schema import TrainParams
from realfake.models import pretrained

if TYPE_CHECKING:  # reading a record of parts needs no Keras
    import keras

HEAD = ("pool", "dense", "dropout", "probability_real")
"""Names of the head's layers, from the backbone's features to P(REAL)."""
State = Literal["frozen", "fine-tuned", "new"]
"""Whether layers are not trained, trained from given weights, or trained from random weights."""


@dataclass(frozen=True)
class Part:
    """Consecutive layers of a network that share the same training state."""

    name: str
    detail: str
    """Last layer, number of layers and output shape, in one to three short lines."""
    weights: int
    """Number of weights."""
    state: State


def describe(network: "keras.Model", params: TrainParams) -> tuple[Part, ...]:
    """Describe a network's parts in order: frozen and trainable layers of the backbone, then the head's layers.

    Args:
        network: from `build_network`.
        params: the parameters it was built from.
    """
    backbone = network.get_layer("backbone")
    states: dict[bool, State] = {False: "frozen", True: "new" if params.weights == "none" else "fine-tuned"}
    head: State = "fine-tuned" if pretrained.weights_file(params.weights).suffix == ".keras" else "new"
    groups = [
        (trainable, list(layers))
        for trainable, layers in groupby(backbone.layers[1:], key=lambda layer: bool(layer.trainable))
    ]
    # "trunk" (frozen) and "tail" (trainable) are values in training.json, a declared output whose bytes must not change
    names = {False: "trunk", True: "tail"} if len(groups) > 1 else dict.fromkeys((False, True), "backbone")
    parts = []
    for trainable, members in groups:
        shape = " x ".join(str(size) for size in members[-1].output.shape[1:])
        detail = f"to {members[-1].name}\n{len(members)} layers\n{shape}"
        weights = sum(int(layer.count_params()) for layer in members)
        parts.append(Part(names[trainable], detail, weights, states[trainable]))
    for name in HEAD:
        layer = network.get_layer(name)
        parts.append(Part(name, str(layer.output.shape[1]), int(layer.count_params()), head))
    return tuple(parts)
