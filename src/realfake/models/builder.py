"""Build the network that a recipe describes: backbone, head, initial weights, and which layers are trained.

Built-in Keras layers only, so that a saved network loads with safe_mode and runs on any Keras backend.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from realfake.config.schema import TrainParams
from realfake.core.errors import UserError, one_line
from realfake.core.files import home, sha256_file, workspace
from realfake.models import pretrained
from realfake.models.resnet import residual_network
from realfake.models.saving import load_network

NATIVE = re.compile(r"resnet(\d+)")
"""Names of the small residual networks of models/resnet.py, with their depth: resnet20, resnet32, ..."""
BATCH_NORM_MOMENTUM = 0.9
"""Momentum of the running statistics; Keras's default 0.99 needs hundreds of steps per epoch to converge."""
HEAD_UNITS = 256
"""Features of the head's dense layer."""


def build_network(params: TrainParams) -> keras.Model:
    """Build the network that a recipe describes, with its weights loaded and its layers frozen.

    With `unfreeze: all` the BatchNormalization layers use batch statistics in training. Otherwise all of them stay in
    inference mode, because a few steps with small batches would spoil their running statistics.

    Returns:
        A network from float32 (N, image_size, image_size, 3) in [0, 1] to P(REAL), float32 (N, 1).

    Raises:
        UserError: the backbone is unknown or cannot have this depth or input size, or the weights are not available.
    """
    keras.utils.clear_session()  # Keras numbers layer names within a process, and they are part of the saved file
    keras.utils.set_random_seed(params.seed)
    with _dtype_policy(params.precision):
        return _build(params)


def _build(params: TrainParams) -> keras.Model:
    backbone = _build_backbone(params)
    freeze(backbone, params.unfreeze)
    inputs = keras.Input((params.image_size, params.image_size, 3), name="picture")
    features = scale_to_backbone_range(inputs, params)
    features = (
        backbone(features) if params.unfreeze == "all" else keep_in_inference_mode(backbone)(features, training=False)
    )
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    hidden = keras.layers.Dense(HEAD_UNITS, activation="relu", name="dense")(pooled)
    hidden = keras.layers.Dropout(params.dropout, seed=params.seed, name="dropout")(hidden)
    outputs = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="probability_real")(hidden)
    network = keras.Model(inputs, outputs, name="realfake")
    if params.weights not in ("none", "imagenet"):
        _load_weights(network, _weights_file(params.weights), params.weights_sha256)
    return network


@contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    """Build layers that compute in a precision, float32 or bfloat16; their weights are float32 in either case."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def freeze(backbone: keras.Model, unfreeze: int | str) -> None:
    """Freeze all layers of a backbone but the last ones.

    Args:
        backbone: the model to change.
        unfreeze: number of layers at the end, in Keras's order, that stay trainable; "all" freezes none.

    Raises:
        UserError: the backbone has fewer layers.
    """
    count = len(backbone.layers) if unfreeze == "all" else int(unfreeze)
    if count > len(backbone.layers):
        raise UserError(f"train.unfreeze is {count}, but {backbone.name} has only {len(backbone.layers)} layers")
    for layer in backbone.layers[: len(backbone.layers) - count]:
        layer.trainable = False
    for layer in backbone.layers:
        if unfreeze == "all" and isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM


def keep_in_inference_mode(backbone: keras.Model) -> keras.Model:
    """Make a backbone that is called with training=False stay in inference mode while the network around it trains.

    Keras 3.15 passes the training=True of `fit` to every layer of a functional model and so overrides the argument of
    the call, contrary to its guide to transfer learning. There is no public switch for this; a test of this module
    checks that the private one still works.
    """
    backbone._call_context_args = backbone._call_context_args - {"training"}
    return backbone


def _build_backbone(params: TrainParams) -> keras.Model:
    """Build a small residual network, or a network of keras.applications with ImageNet or random weights."""
    native = NATIVE.fullmatch(params.backbone)
    if native is None:
        return _keras_application(params)
    if params.width is None:
        raise UserError(f"train.width is null, but {params.backbone} needs a number of channels, such as 16")
    if params.weights == "imagenet":
        raise UserError(
            f"no ImageNet weights exist for {params.backbone}; use train.weights: none, a file, or another backbone"
        )
    return residual_network(int(native[1]), params.width, params.image_size)


def _keras_application(params: TrainParams) -> keras.Model:
    build = _application(params.backbone)
    if params.width is not None:
        raise UserError(f"train.width is {params.width}, but the width of {params.backbone} is fixed; set it to null")
    shape = (params.image_size, params.image_size, 3)
    weights = "imagenet" if params.weights == "imagenet" else None
    try:
        return build(include_top=False, weights=weights, input_shape=shape, name="backbone")
    except ValueError as error:
        raise UserError(
            f"{params.backbone} cannot be built for train.image_size {params.image_size}: {one_line(error)}"
        ) from None
    except Exception as error:  # Keras raises bare Exception when a download fails
        if weights is None:
            raise
        raise UserError(
            f"the ImageNet weights of {params.backbone} could not be downloaded ({one_line(error, 120)}); connect to "
            "the internet, give a file (train.weights: FILE), set train.weights: none, or run `make use RECIPE=native`"
        ) from None


def _application(name: str) -> Callable[..., keras.Model]:
    """Return the function of keras.applications that builds a network of this name."""
    build = getattr(keras.applications, name, None)
    if not callable(build) or not name[0].isupper():
        names = [n for n in dir(keras.applications) if n[0].isupper()]
        raise UserError(
            f"train.backbone is {name!r}; expected resnet10, resnet18, resnet20, ... or one of {', '.join(names)}"
        )
    return build  # type: ignore[no-any-return]


def scale_to_backbone_range(inputs: Any, params: TrainParams) -> Any:
    """Scale input in [0, 1] to the range of train.input_range, with built-in layers.

    Raises:
        UserError: the range of the pretrained weights is asked for, but the backbone has none.
    """
    if params.input_range == "unit":
        return inputs
    if NATIVE.fullmatch(params.backbone):
        raise UserError(f"train.input_range is backbone, but {params.backbone} has no range of its own; use unit")
    module = importlib.import_module(_application(params.backbone).__module__)
    return module.preprocess_input(inputs * 255.0)


def _weights_file(name: str) -> Path:
    """Find a weights file in the workspace, else in the checkout: a temporary DVC experiment lacks ignored files."""
    file = pretrained.weights_file(name)
    here = workspace() / file
    return here if here.exists() else home() / file


def _load_weights(network: keras.Model, path: Path, sha256: str | None) -> None:
    """Load weights from a `.keras` file of this project, or from a `.weights.h5` or `.h5` file of the backbone only.

    The file's digest must be the one in params.yaml, so that a run records exactly what it started from.
    """
    if path.suffix not in (".keras", ".h5"):
        raise UserError(
            f"train.weights is {str(path)!r}; expected none, imagenet, cifake, or a .keras, .weights.h5 or .h5 file"
        )
    if not path.is_file():
        raise UserError(f"train.weights names {path}, which does not exist; expected a file, none, imagenet or cifake")
    actual = sha256_file(path)
    if sha256 != actual:
        stated = "null" if sha256 is None else f"{sha256[:12]}..."
        raise UserError(
            f"train.weights_sha256 is {stated}, not the digest of {path}; if that is the right file, set "
            f"train.weights_sha256: {actual}"
        )
    backbone = network.get_layer("backbone")
    try:
        if path.suffix == ".keras":
            network.set_weights(load_network(path).get_weights())
        else:
            backbone.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(
            f"{path} does not fit the {backbone.count_params():,} weights of the backbone: {one_line(error)}"
        ) from None
