"""Divide a network into its frozen feature extractor and the trainable layers behind it."""

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
    """Hold the two parts of a network, which share its layers: training the trainable part trains the network."""

    frozen: keras.Model
    """The frozen part, from pictures, float32 (N, image_size, image_size, 3) in [0, 1], to features, float32 (N, ...);
    always in inference mode."""
    trainable: keras.Model
    """The trainable part, from features to P(REAL), float32 (N, 1); the same function as in the whole network."""
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
    """Divide a network at the last operation before the trainable layers whose output is the only input of the rest.

    If no backbone layer is unfrozen, the frozen part includes the pooling: its vectors are a sixteenth of ResNet50's
    feature maps.

    Args:
        network: a network from `build_network`.
        params: the parameters that the network was built from.
        depth: divide the network as if this many layers were unfrozen, or params.unfreeze if that is more, so that
            trials of a sweep with different unfreeze depths share cached features.

    Returns:
        The two parts, or None if all layers are trainable or no frozen layer has weights.
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
    """Return the last operation within the first `frozen` layers whose output is the only input of all later ones.

    Operations are the layers and the sums and products between them, in Keras's order; the first is the input.
    """
    operations = backbone.operations
    limit = operations.index(backbone.layers[frozen]) if frozen < len(backbone.layers) else len(operations)
    producers = {id(operation.output): index for index, operation in enumerate(operations)}
    last_use = list(range(len(operations)))
    for index, operation in enumerate(operations[1:], start=1):
        for tensor in keras.tree.flatten(operation.input):
            last_use[producers[id(tensor)]] = index
    reach = [0, *accumulate(last_use, max)]  # reach[i]: the last operation that uses an output of one before i
    return operations[max(index for index in range(max(limit, 1)) if reach[index] <= index)]
