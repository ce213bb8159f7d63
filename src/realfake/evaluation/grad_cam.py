"""Where a network looked: Grad-CAM (Selvaraju et al. 2017), in closed form for this project's head.

Behind the pooling stand one ReLU layer and one output, so the gradient of the output's logit with respect to a channel
of the backbone's last feature maps is a product of the head's weights: no automatic differentiation is needed. A
network with test-time augmentation (test_time_augmentation.py) has two such maps of a picture; the one of its mirror
image is turned back.
"""

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

from realfake.core.arrays import Pictures
from realfake.data.images import network_input

Maps = npt.NDArray[np.float32]
"""float32 (N, S, S) in [0, 1]; 1 is where the evidence for the called class is strongest in its picture."""

_DECIMALS = 2
"""Of a map before it is enlarged: the last bit of a product varies, and a figure's bytes should not."""


def grad_cam(network: keras.Model, pictures: Pictures, threshold: float) -> tuple[npt.NDArray[np.float32], Maps]:
    """P(REAL) and what spoke for the class that each picture is called by.

    Args:
        network: of this project: backbone, average pooling, dense ReLU layer, one sigmoid output.
        pictures: uint8 (N, S, S, 3).
        threshold: P(REAL) from which on a picture is called REAL.

    Returns:
        float32 (N,) and the maps, enlarged (bilinear) from the backbone's last feature maps to S x S.
    """
    pool, dense, output = (network.get_layer(name) for name in ("pool", "dense", "probability_real"))
    layers = keras.Model(network.inputs, [pool.input, dense.output, network.output])
    inputs = network_input(pictures, network.input_shape[1])
    features, hidden, probabilities = (keras.ops.convert_to_numpy(x) for x in layers.predict_on_batch(inputs))
    towards_real = ((hidden > 0) * output.get_weights()[0][:, 0]) @ dense.get_weights()[0].T
    called = np.where(probabilities[:, :1] >= threshold, 1.0, -1.0)
    views = len(features) // len(pictures)
    evidence = np.einsum("nhwc,nc->nhw", features, np.tile(called, (views, 1)) * towards_real)
    evidence = evidence if views == 1 else evidence[: len(pictures)] + evidence[len(pictures) :, :, ::-1]
    raw = np.maximum(evidence, 0)
    strongest = raw.max(axis=(1, 2), keepdims=True)
    maps = np.divide(raw, strongest, out=np.zeros_like(raw), where=strongest > 0).round(_DECIMALS)
    return probabilities[:, 0], np.stack([_enlarged(one, pictures.shape[1]) for one in maps])


def _enlarged(values: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.float32]:
    image = Image.fromarray(values.astype(np.float32), mode="F")
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
