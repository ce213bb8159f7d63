"""What a network of this project is made of: the names of its layers, and its parts for people."""

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from realfake.config.schema import TrainParams
from realfake.models import pretrained

if TYPE_CHECKING:  # who reads a record of parts needs no Keras
    import keras

HEAD = ("pool", "dense", "dropout", "probability_real")
"""Layers behind the backbone, in order."""
State = Literal["frozen", "fine-tuned", "new"]


@dataclass(frozen=True)
class Part:
    """Layers of a network that lie together and are trained alike."""

    name: str
    detail: str
    """One to three short lines: layers, output shape."""
    weights: int
    """Number of weights."""
    state: State
    """fine-tuned: trained from given weights; new: trained from random ones."""


def describe(network: "keras.Model", params: TrainParams) -> tuple[Part, ...]:
    """The network's parts in order, for people: the frozen trunk, the learning tail of the backbone, the head.

    Args:
        network: from `build_network`.
        params: what it was built from; what did not start from given weights is new.
    """
    backbone = network.get_layer("backbone")
    states: dict[bool, State] = {False: "frozen", True: "new" if params.weights == "none" else "fine-tuned"}
    head: State = "fine-tuned" if pretrained.weights_file(params.weights).suffix == ".keras" else "new"
    groups = [
        (trainable, list(layers))
        for trainable, layers in groupby(backbone.layers[1:], key=lambda layer: bool(layer.trainable))
    ]
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
