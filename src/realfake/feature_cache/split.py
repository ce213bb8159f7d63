"""Where a network is cut: the frozen trunk, computed once a picture, and the tail behind it, which learns."""

import hashlib
import json
from dataclasses import dataclass
from itertools import accumulate

import keras

from realfake.config.schema import TrainParams
from realfake.models.architecture import HEAD
from realfake.models.builder import in_inference_mode, to_backbone_range
from realfake.models.saving import without_accidents


@dataclass(frozen=True)
class Cut:
    """A network in two parts that share its layers: training the tail trains the network."""

    trunk: keras.Model
    """float32 (N, image_size, image_size, 3) in [0, 1] to features (N, ...): frozen, in inference mode."""
    tail: keras.Model
    """Features to P(REAL), (N, 1). It computes what the network would, in training and in inference."""
    layer: str
    """The last operation of the trunk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture's features."""
        return tuple(self.trunk.output_shape[1:])

    def digest(self) -> str:
        """SHA-256 over the trunk's layers and weights, as 64 hex digits."""
        config = json.dumps(without_accidents(keras.saving.serialize_keras_object(self.trunk)), sort_keys=True)
        digest = hashlib.sha256(config.encode())
        for weight in self.trunk.get_weights():
            digest.update(weight.tobytes())
        return digest.hexdigest()


def cut_network(network: keras.Model, params: TrainParams, depth: int | None = None) -> Cut | None:
    """Cut a network where its trunk ends: the last place that a single tensor passes before the layers that learn.

    With nothing unfrozen the trunk ends behind the pooling, whose vectors are a sixteenth of ResNet50's maps.

    Args:
        network: from `build_network`.
        params: what it was built from.
        depth: cut as for this many unfrozen layers, at least params.unfreeze; a sweep so shares one cut among depths.

    Returns:
        The two parts, or None when everything learns or no layer with weights lies before the cut.
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
    to_cut = in_inference_mode(keras.Model(backbone.input, bridge.output, name="trunk_backbone"))
    features = to_cut(to_backbone_range(pictures, params), training=False)
    head = list(HEAD)
    if depth == 0:
        features = network.get_layer(head.pop(0))(features)
    trunk = keras.Model(pictures, features, name="trunk")
    inputs = keras.Input(features.shape[1:], name="features")
    x = inputs
    if bridge is not backbone.operations[-1]:
        from_cut = keras.Model(bridge.output, backbone.output, name="tail_backbone")
        x = in_inference_mode(from_cut)(x, training=False)
    for name in head:
        x = network.get_layer(name)(x)
    return Cut(trunk, keras.Model(inputs, x, name="tail"), "pool" if depth == 0 else bridge.name)


def _last_bridge(backbone: keras.Model, frozen: int) -> keras.Operation:
    """The last operation before the layers that follow the first `frozen` ones, whose output alone feeds all behind it.

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
