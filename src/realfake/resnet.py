"""Small residual networks for pictures at their own size (He et al. 2015, "Deep Residual Learning", section 4.2)."""

from typing import Any

import keras

from realfake.errors import UserError


def residual_network(depth: int, width: int, image_size: int, stem_stride: int = 1) -> keras.Model:
    """Build the 6n+2-layer network of the paper without its classifier.

    Three stages of n blocks of two 3x3 convolutions with `width`, 2 `width` and 4 `width` channels; the second and
    third halve the picture. Where a block changes the shape, the shortcut is a 1x1 convolution (the paper's option B).

    Args:
        depth: 20, 32, 44, 56, ...: 6n + 2. With width 16, depth 20 has 0.27 M weights.
        width: channels of the first stage, 16 in the paper.
        image_size: side of the input.
        stem_stride: 1 as in the paper. 2 takes 4x4 patches that overlap by half, and all stages work at half the size:
            for the same arithmetic they can have twice the channels, which processors compute with less waiting.

    Returns:
        A model from (N, image_size, image_size, 3) to (N, s, s, 4 width), s = image_size / (4 stem_stride).

    Raises:
        UserError: a depth that is not 6n + 2.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        near = [str(6 * n + 2) for n in (max(blocks, 1), max(blocks, 1) + 1)]
        raise UserError(f"train.backbone is resnet{depth}, but the depth must be 6n+2: resnet{' or resnet'.join(near)}")
    inputs = keras.Input((image_size, image_size, 3))
    stem = _convolution(inputs, width, name="stem", stride=stem_stride, size=3 if stem_stride == 1 else 4)
    x = keras.layers.Activation("relu")(stem)
    for stage in range(3):
        for block in range(blocks):
            x = _block(
                x, width * 2**stage, stride=2 if stage and not block else 1, name=f"stage{stage + 1}_block{block + 1}"
            )
    return keras.Model(inputs, x, name="backbone")


def _block(x: Any, channels: int, stride: int, name: str) -> Any:
    shortcut = x
    if stride != 1 or x.shape[-1] != channels:
        shortcut = _convolution(x, channels, name=f"{name}_shortcut", stride=stride, size=1)
    x = _convolution(x, channels, name=f"{name}_1", stride=stride)
    x = keras.layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = _convolution(x, channels, name=f"{name}_2")
    return keras.layers.Activation("relu", name=f"{name}_out")(keras.layers.Add(name=f"{name}_add")([shortcut, x]))


def _convolution(x: Any, channels: int, name: str, stride: int = 1, size: int = 3) -> Any:
    """Convolution and BatchNormalization; the bias would be cancelled by the normalisation."""
    x = keras.layers.Conv2D(
        channels, size, stride, "same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return keras.layers.BatchNormalization(name=f"{name}_bn")(x)
