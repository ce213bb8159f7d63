"""Compute Grad-CAM maps (Selvaraju et al. 2017) in closed form for this project's head.

The head has one ReLU layer and one output after the pooling, so the gradient of the output's logit with respect to a
channel of the backbone's last feature maps is a product of the head's weights, without automatic differentiation. A
network with test-time augmentation (test_time_augmentation.py) has two maps per picture: that of the mirror image is
flipped back, and both are added.
"""

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

from realfake.core.arrays import Pictures
from realfake.data.images import network_input

Maps = npt.NDArray[np.float32]
"""Grad-CAM maps, float32 (N, S, S) in [0, 1]; 1 is the strongest evidence for the predicted class in a picture."""

_DECIMALS = 2
"""Decimals to which maps are rounded before they are enlarged, so that figures have the same bytes on every run."""


def grad_cam(network: keras.Model, pictures: Pictures, threshold: float) -> tuple[npt.NDArray[np.float32], Maps]:
    """Return P(REAL) of pictures and the Grad-CAM maps of their predicted classes.

    Args:
        network: a network of this project: backbone, average pooling, dense ReLU layer, one sigmoid output.
        pictures: uint8 (N, S, S, 3).
        threshold: P(REAL) from which on a picture is called REAL.

    Returns:
        P(REAL), float32 (N,), and the maps, enlarged (bilinear) from the backbone's last feature maps to S x S.
    """
    pool, dense, output = (network.get_layer(name) for name in ("pool", "dense", "probability_real"))
    layers = keras.Model(network.inputs, [pool.input, dense.output, network.output])
    inputs = network_input(pictures, network.input_shape[1])
    features, hidden, probabilities = (keras.ops.convert_to_numpy(x) for x in layers.predict_on_batch(inputs))
    gradients = ((hidden > 0) * output.get_weights()[0][:, 0]) @ dense.get_weights()[0].T
    signs = np.where(probabilities[:, :1] >= threshold, 1.0, -1.0)
    views = len(features) // len(pictures)
    evidence = np.einsum("nhwc,nc->nhw", features, np.tile(signs, (views, 1)) * gradients)
    evidence = evidence if views == 1 else evidence[: len(pictures)] + evidence[len(pictures) :, :, ::-1]
    raw = np.maximum(evidence, 0)
    strongest = raw.max(axis=(1, 2), keepdims=True)
    maps = np.divide(raw, strongest, out=np.zeros_like(raw), where=strongest > 0).round(_DECIMALS)
    return probabilities[:, 0], np.stack([_enlarge(values, pictures.shape[1]) for values in maps])


def _enlarge(values: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.float32]:
    image = Image.fromarray(values.astype(np.float32), mode="F")
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
