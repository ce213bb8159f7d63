"""A network in two parts: the frozen feature extractor, computed once a picture, and the trainable layers behind it."""

import hashlib
import json
from dataclasses import dataclass
from itertools import accumulate

import keras

from realfake.config.schema import TrainParams
from realfake.models.architecture import HEAD
from realfake.models.builder import keep_in_inference_mode, scale_to_backbone_range
from realfake.models.saving import drop_volatile_fields


@dataclass(frozen=True)
class Partition:
    """The two parts share the network's layers: training the trainable part trains the network."""

    frozen: keras.Model
    """float32 (N, image_size, image_size, 3) in [0, 1] to features (N, ...); always in inference mode."""
    trainable: keras.Model
    """Features to P(REAL), (N, 1). It computes what the network would, in training and in inference."""
    layer: str
    """Name of the last frozen operation."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of one picture's features."""
        return tuple(self.frozen.output_shape[1:])

    def digest(self) -> str:
        """Return the SHA-256 of the frozen part's layers and weights, as 64 hex digits."""
        config = json.dumps(drop_volatile_fields(keras.saving.serialize_keras_object(self.frozen)), sort_keys=True)
        digest = hashlib.sha256(config.encode())
        for weight in self.frozen.get_weights():
            digest.update(weight.tobytes())
        return digest.hexdigest()


def partition_network(network: keras.Model, params: TrainParams, depth: int | None = None) -> Partition | None:
    """Divide a network at the last place before the trainable layers that a single tensor passes.

    With nothing unfrozen the frozen part includes the pooling: its vectors are a sixteenth of ResNet50's feature maps.

    Args:
        network: from `build_network`.
        params: what it was built from.
        depth: divide as for this many unfrozen layers, at least params.unfreeze, so that trials of a sweep with
            different unfreeze depths share the same kept features.

    Returns:
        The two parts, or None when all layers are trainable, or when no frozen layer has weights.
    """
    if params.unfreeze == "all":
        return None
    depth = max(params.unfreeze, depth or 0)
    backbone = network.get_layer("backbone")
    bridge = _last_bridge(backbone, len(backbone.layers) - depth)
    operations = backbone.operations[: backbone.operations.index(bridge) + 1]
    if not any(isinstance(operation, keras.Layer) and operation.weights for operation in operations):
        return None
    pictures = keras.Input(network.input_shape[1:], name="picture")
    to_features = keep_in_inference_mode(keras.Model(backbone.input, bridge.output, name="frozen_backbone"))
    features = to_features(scale_to_backbone_range(pictures, params), training=False)
    head = list(HEAD)
    if depth == 0:
        features = network.get_layer(head.pop(0))(features)
    frozen = keras.Model(pictures, features, name="frozen")
    inputs = keras.Input(features.shape[1:], name="features")
    x = inputs
    if bridge is not backbone.operations[-1]:
        from_features = keras.Model(bridge.output, backbone.output, name="trainable_backbone")
        x = keep_in_inference_mode(from_features)(x, training=False)
    for name in head:
        x = network.get_layer(name)(x)
    return Partition(frozen, keras.Model(inputs, x, name="trainable"), "pool" if depth == 0 else bridge.name)


def _last_bridge(backbone: keras.Model, frozen: int) -> keras.Operation:
    """Find the last operation before the layers behind the first `frozen` ones whose output alone feeds the rest.

    Operations are the layers and the sums and products between them, as Keras orders them; the first is the input.
    """
    operations = backbone.operations
    limit = operations.index(backbone.layers[frozen]) if frozen < len(backbone.layers) else len(operations)
    places = {id(operation.output): place for place, operation in enumerate(operations)}
    last_use = list(range(len(operations)))
    for place, operation in enumerate(operations[1:], start=1):
        for tensor in keras.tree.flatten(operation.input):
            last_use[places[id(tensor)]] = place
    reach = [0, *accumulate(last_use, max)]  # reach[p]: the last operation that uses anything made before p
    return operations[max(place for place in range(max(limit, 1)) if reach[place] <= place)]
