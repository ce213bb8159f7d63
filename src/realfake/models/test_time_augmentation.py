"""Ask twice: the mean answer over a picture and its mirror image, as a network like any other.

The views differ where a network errs by chance, so their mean errs less (test-time augmentation, Krizhevsky et al.
2012). Every exported format computes it; one picture costs what two did.
"""

import keras

from realfake.config.schema import TrainParams
from realfake.models.architecture import HEAD
from realfake.models.builder import to_backbone_range


def mirrored(network: keras.Model, params: TrainParams) -> keras.Model:
    """A network with the same layers and weights whose log odds are the mean over both views of a picture.

    The views pass as one batch of twice the size, pictures first. What is averaged is the input of the last layer,
    which is linear, so that a scaling folded into that layer holds for the mean.

    Args:
        network: from `build_network`, not mirrored yet. The layers are shared with it: copy the result (`in_float32`)
            or save it before it is taken apart by its layers' names.
        params: what it was built from.

    Returns:
        float32 (N, S, S, 3) in [0, 1] to P(REAL), (N, 1).
    """
    *body, last = (network.get_layer(name) for name in HEAD)
    pictures = keras.Input(network.input_shape[1:], name="picture")
    views = keras.layers.Concatenate(axis=0, name="views")([pictures, keras.ops.flip(pictures, axis=2)])
    x = network.get_layer("backbone")(to_backbone_range(views, params), training=False)
    for layer in body:
        x = layer(x)
    x = keras.layers.Average(name="mean_of_views")(keras.ops.split(x, 2, axis=0))
    return keras.Model(pictures, last(x), name=network.name)
