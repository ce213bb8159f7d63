"""Build residual networks for small pictures without enlarging them (He et al. 2015, "Deep Residual Learning")."""

from typing import Any

import keras

from realfake.core.errors import UserError


def residual_network(depth: int, width: int, image_size: int) -> keras.Model:
    """Build a residual network of two-convolution blocks, without a classifier.

    A depth of 6n+2 gives three stages of n blocks (the paper's section 4.2). A depth that is 8n+2 only gives four
    stages, like the paper's 18 layers for ImageNet, but with the stem of the small networks. The channels double from
    stage to stage, and every stage but the first halves the resolution. Where a block changes the shape, the shortcut
    is a 1x1 convolution (the paper's option B).

    Args:
        depth: 8, 14, 20, 26, 32, ... or 10, 18, 34, ...
        width: channels of the first stage. With 16, depth 20 has 0.27 M weights (as in the paper), depth 18 0.70 M.
        image_size: side of the input in pixels.

    Returns:
        A model from (N, image_size, image_size, 3) to (N, s, s, c): s = image_size / 4 and c = 4 width with three
        stages, image_size / 8 and 8 width with four.

    Raises:
        UserError: the depth is neither.
    """
    stages, blocks = _layout(depth)
    inputs = keras.Input((image_size, image_size, 3))
    x = keras.layers.Activation("relu")(_convolution(inputs, width, name="stem"))
    for stage in range(stages):
        for block in range(blocks):
            x = _block(
                x, width * 2**stage, stride=2 if stage and not block else 1, name=f"stage{stage + 1}_block{block + 1}"
            )
    return keras.Model(inputs, x, name="backbone")


def _layout(depth: int) -> tuple[int, int]:
    """Return the number of stages and the number of blocks in each."""
    for stages in (3, 4):
        blocks, rest = divmod(depth - 2, 2 * stages)
        if blocks > 0 and not rest:
            return stages, blocks
    raise UserError(f"train.backbone is resnet{depth}, but the depth must be 6n+2 or 8n+2, as in resnet20 and resnet18")


def _block(x: Any, channels: int, stride: int, name: str) -> Any:
    """Apply two convolutions and add their input to the result."""
    shortcut = x
    if stride != 1 or x.shape[-1] != channels:
        shortcut = _convolution(x, channels, name=f"{name}_shortcut", stride=stride, size=1)
    x = _convolution(x, channels, name=f"{name}_1", stride=stride)
    x = keras.layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = _convolution(x, channels, name=f"{name}_2")
    return keras.layers.Activation("relu", name=f"{name}_out")(keras.layers.Add(name=f"{name}_add")([shortcut, x]))


def _convolution(x: Any, channels: int, name: str, stride: int = 1, size: int = 3) -> Any:
    """Apply a convolution and BatchNormalization; a bias would be cancelled by the normalisation."""
    x = keras.layers.Conv2D(
        channels, size, stride, "same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return keras.layers.BatchNormalization(name=f"{name}_bn")(x)
