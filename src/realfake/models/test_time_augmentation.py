"""Test-time augmentation: average a network's log-odds over a picture and its mirror image.

Errors that differ between the two views partly cancel (Krizhevsky et al. 2012). The average is part of the network, so
every exported format computes it; a prediction costs twice as much.
"""

import keras

from realfake.config.schema import TrainParams
from realfake.models.architecture import HEAD
from realfake.models.builder import scale_to_backbone_range


def average_over_mirror_image(network: keras.Model, params: TrainParams) -> keras.Model:
    """Build a network whose log-odds are the mean of another network's over a picture and its mirror image.

    Both views pass through the layers as one batch of twice the size, the pictures first. The input of the last layer
    is averaged; the log-odds are linear in it, so a scaling that is folded into that layer applies to the mean.

    Args:
        network: from `build_network`. The result shares its layers: copy the result (`to_float32`) or save it before
            its layers are accessed by name.
        params: the parameters that the network was built from.

    Returns:
        A network from float32 (N, S, S, 3) in [0, 1] to P(REAL), float32 (N, 1).
    """
    *body, last = (network.get_layer(name) for name in HEAD)
    pictures = keras.Input(network.input_shape[1:], name="picture")
    views = keras.layers.Concatenate(axis=0, name="views")([pictures, keras.ops.flip(pictures, axis=2)])
    x = network.get_layer("backbone")(scale_to_backbone_range(views, params), training=False)
    for layer in body:
        x = layer(x)
    x = keras.layers.Average(name="mean_of_views")(keras.ops.split(x, 2, axis=0))
    return keras.Model(pictures, last(x), name=network.name)
