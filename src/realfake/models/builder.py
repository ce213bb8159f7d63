"""Build the network a recipe describes: a backbone, the head, and which layers learn.

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
"""The small residual networks by depth: resnet20, resnet32, ..."""
BATCH_NORM_MOMENTUM = 0.9
"""Keras's 0.99 needs hundreds of steps an epoch before its running statistics mean anything."""
HEAD_UNITS = 256


def build_network(params: TrainParams) -> keras.Model:
    """Build the network that a recipe describes, with its weights loaded and its layers frozen.

    Fully trained (`unfreeze: all`) backbones normalise by batch statistics. Where only the last layers are trained, all
    BatchNormalization layers stay in inference mode: a few steps at small batches would wreck their statistics.

    Raises:
        UserError: unknown backbone, an input size or depth it cannot have, weights that cannot be had.
    """
    keras.utils.clear_session()  # names of layers count up within a process, and they stand in the saved file
    keras.utils.set_random_seed(params.seed)
    with _computing_in(params.precision):
        return _build(params)


def _build(params: TrainParams) -> keras.Model:
    backbone = _build_backbone(params)
    freeze(backbone, params.unfreeze)
    inputs = keras.Input((params.image_size, params.image_size, 3), name="picture")
    features = to_backbone_range(inputs, params)
    features = backbone(features) if params.unfreeze == "all" else in_inference_mode(backbone)(features, training=False)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    hidden = keras.layers.Dense(HEAD_UNITS, activation="relu", name="dense")(pooled)
    hidden = keras.layers.Dropout(params.dropout, seed=params.seed, name="dropout")(hidden)
    outputs = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="probability_real")(hidden)
    network = keras.Model(inputs, outputs, name="realfake")
    if params.weights not in ("none", "imagenet"):
        _load_weights(network, _weights_file(params.weights), params.weights_sha256)
    return network


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Layers built meanwhile compute in this precision; their weights are float32 in any case."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def freeze(backbone: keras.Model, unfreeze: int | str) -> None:
    """Make the last `unfreeze` layers of a backbone trainable, counted as Keras lists them; "all" trains everything.

    Raises:
        UserError: the backbone has fewer layers.
    """
    count = len(backbone.layers) if unfreeze == "all" else int(unfreeze)
    if count > len(backbone.layers):
        raise UserError(
            f"train.unfreeze is {count}, but {backbone.name} has {len(backbone.layers)} layers; give at most that"
        )
    for layer in backbone.layers[: len(backbone.layers) - count]:
        layer.trainable = False
    for layer in backbone.layers:
        if unfreeze == "all" and isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM


def in_inference_mode(backbone: keras.Model) -> keras.Model:
    """Make `backbone(x, training=False)` hold while the network around it trains.

    Keras 3.15 hands `fit`'s training=True to every layer of a functional model, over what the layer was called with;
    the guide to transfer learning says otherwise. There is no public switch; tests/models/test_builder.py watches this
    one.
    """
    backbone._call_context_args = backbone._call_context_args - {"training"}
    return backbone


def _build_backbone(params: TrainParams) -> keras.Model:
    native = NATIVE.fullmatch(params.backbone)
    if native is None:
        return _keras_application(params)
    if params.width is None:
        raise UserError(f"train.width is null, but {params.backbone} needs a number of channels; 16 in He et al. 2015")
    if params.weights == "imagenet":
        raise UserError(
            f"no ImageNet weights exist for {params.backbone}; use weights: none, a file, or another backbone"
        )
    return residual_network(int(native[1]), params.width, params.image_size)


def _keras_application(params: TrainParams) -> keras.Model:
    build = _application(params.backbone)
    if params.width is not None:
        raise UserError(f"train.width is {params.width}, but {params.backbone} has a fixed width; set it to null")
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
            f"the ImageNet weights of {params.backbone} could not be downloaded ({one_line(error, 120)}); ways out: "
            "a network connection, a file (train.weights: FILE), train.weights: none, or `make use RECIPE=native`"
        ) from None


def _application(name: str) -> Callable[..., keras.Model]:
    build = getattr(keras.applications, name, None)
    if not callable(build) or not name[0].isupper():
        names = [n for n in dir(keras.applications) if n[0].isupper()]
        raise UserError(
            f"train.backbone is {name!r}; expected resnet10, resnet18, resnet20, ... or one of {', '.join(names)}"
        )
    return build  # type: ignore[no-any-return]


def to_backbone_range(inputs: Any, params: TrainParams) -> Any:
    """Bring [0, 1] input to what the backbone's pretrained weights saw, with built-in layers."""
    if params.input_range == "unit":
        return inputs
    if NATIVE.fullmatch(params.backbone):
        raise UserError(f"train.input_range is backbone, but {params.backbone} has no pretrained range; use unit")
    module = importlib.import_module(_application(params.backbone).__module__)
    return module.preprocess_input(inputs * 255.0)


def _weights_file(name: str) -> Path:
    """The file in this workspace, else in the checkout: an experiment in a folder of its own has no ignored files."""
    file = pretrained.weights_file(name)
    here = workspace() / file
    return here if here.exists() else home() / file


def _load_weights(network: keras.Model, path: Path, sha256: str | None) -> None:
    """Take weights from a `.keras` file of this project, or from a `.weights.h5` / `.h5` file of the backbone alone.

    The digest stands in params.yaml, so that a run says exactly what it started from.
    """
    if path.suffix not in (".keras", ".h5"):
        raise UserError(
            f"train.weights is {str(path)!r}; expected none, imagenet, cifake, or a .keras, .weights.h5 or .h5 file"
        )
    if not path.is_file():
        raise UserError(f"train.weights names {path}, which is not there; give a file, none or imagenet")
    actual = sha256_file(path)
    if sha256 != actual:
        stated = "is not stated" if sha256 is None else f"is stated as {sha256[:12]}..."
        raise UserError(f"the digest of {path} {stated}; if this is the file you mean: train.weights_sha256: {actual}")
    backbone = network.get_layer("backbone")
    try:
        if path.suffix == ".keras":
            network.set_weights(load_network(path).get_weights())
        else:
            backbone.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(
            f"{path} does not fit {backbone.count_params():,} weights of {backbone.name}: {one_line(error)}"
        ) from None
