"""A network is divided before its trainable layers; both parts together equal it, and a digest covers the first."""

import keras
import numpy as np
import pytest
from conftest import PROJECT, toy_pictures

from realfake.config.schema import TrainParams, load_params
from realfake.data.images import network_input
from realfake.feature_cache.partition import partition_network
from realfake.models.builder import build_network

INPUTS = network_input(toy_pictures(4, seed=0)[0], 32)


def recipe(**changes: object) -> TrainParams:
    deck = load_params(PROJECT / "recipes/deck.yaml").train.model_dump()
    return TrainParams.model_validate(deck | {"weights": "none", "image_size": 32} | changes)


def small(train_params: TrainParams, unfreeze: int | str) -> tuple[keras.Model, TrainParams]:
    params = train_params.model_copy(update={"unfreeze": unfreeze})
    return build_network(params), params


@pytest.fixture(scope="module")
def resnet50() -> tuple[keras.Model, TrainParams]:
    params = recipe(unfreeze=0)
    return build_network(params), params


@pytest.mark.parametrize(
    ("depth", "layer", "shape"),
    [
        (0, "pool", (2048,)),
        (1, "conv5_block3_add", (1, 1, 2048)),
        (5, "conv5_block2_out", (1, 1, 2048)),  # inside a block, whose shortcut needs the block's input too
        (10, "conv5_block2_out", (1, 1, 2048)),
        (12, "conv5_block1_out", (1, 1, 2048)),
        (20, "conv5_block1_out", (1, 1, 2048)),
        (32, "conv4_block6_out", (2, 2, 1024)),
    ],
)
def test_a_network_is_divided_where_a_single_tensor_passes(
    resnet50: tuple[keras.Model, TrainParams], depth: int, layer: str, shape: tuple[int, ...]
) -> None:
    parts = partition_network(*resnet50, depth)
    assert parts is not None
    assert (parts.layer, parts.shape) == (layer, shape)
    together = parts.trainable(parts.frozen(INPUTS, training=False), training=False)
    assert np.array_equal(together, resnet50[0](INPUTS, training=False))


@pytest.mark.parametrize("unfreeze", [0, 5, 12])
def test_both_parts_together_equal_the_network(train_params: TrainParams, unfreeze: int) -> None:
    network, params = small(train_params, unfreeze)
    parts = partition_network(network, params)
    assert parts is not None
    assert np.array_equal(parts.trainable(parts.frozen(INPUTS)), network(INPUTS))
    assert {id(variable) for variable in network.trainable_variables} == {
        id(variable) for variable in parts.trainable.trainable_variables
    }
    assert not parts.frozen.trainable_variables
    network.get_layer("dense").bias.assign_add(np.ones(256))
    assert np.array_equal(parts.trainable(parts.frozen(INPUTS)), network(INPUTS))


def test_a_backbone_with_operators_between_its_layers_can_be_divided() -> None:
    """MobileNetV3 and ConvNeXt have sums and products as operators, which are not layers."""
    params = recipe(backbone="MobileNetV3Small", unfreeze=10)
    network = build_network(params)
    parts = partition_network(network, params)
    assert parts is not None
    assert np.array_equal(parts.trainable(parts.frozen(INPUTS)), network(INPUTS))
    names = [operation.name for operation in network.get_layer("backbone").operations]
    first = names.index(network.get_layer("backbone").layers[-10].name)
    assert names.index(parts.layer) < first
    assert {id(v) for v in network.trainable_variables} == {id(v) for v in parts.trainable.trainable_variables}


def test_the_depth_of_the_division_never_freezes_an_unfrozen_layer(resnet50: tuple[keras.Model, TrainParams]) -> None:
    network, params = resnet50
    parts = partition_network(network, params.model_copy(update={"unfreeze": 10}), 0)
    assert parts is not None
    assert parts.layer == "conv5_block2_out"


def test_batch_normalization_stays_in_inference_mode_during_training(train_params: TrainParams) -> None:
    network, params = small(train_params, 5)
    parts = partition_network(network, params)
    assert parts is not None
    trainable_backbone = parts.trainable.get_layer("trainable_backbone")
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in trainable_backbone.layers)
    features = parts.frozen(INPUTS, training=True)
    assert np.array_equal(features, parts.frozen(INPUTS, training=False))
    before = [weight.copy() for weight in network.get_weights()]
    parts.trainable.compile(keras.optimizers.SGD(0.0), "binary_crossentropy")
    parts.trainable.train_on_batch(np.asarray(features), np.ones((4, 1)))
    for one, two in zip(before, network.get_weights(), strict=True):
        assert np.array_equal(one, two)


def test_a_network_without_frozen_weights_is_not_divided(train_params: TrainParams) -> None:
    assert partition_network(*small(train_params, "all")) is None
    network, params = small(train_params, 0)
    layers = len(network.get_layer("backbone").layers)
    for depth in (layers, layers - 1):  # the first layer is the input
        assert partition_network(network, params, depth) is None


def test_the_digest_covers_frozen_layers_and_their_weights(train_params: TrainParams) -> None:
    networks = [small(train_params, 5) for _ in range(2)]
    partitions = [partition_network(*network) for network in networks]
    assert partitions[0] and partitions[1]
    digest = partitions[0].digest()
    assert len(digest) == 64
    assert partitions[1].digest() == digest
    first, last = partitions[1].frozen.weights[0], partitions[1].frozen.weights[-1]
    for weight in (first, last):
        value = weight.numpy()
        weight.assign(value + 1e-6)
        assert partitions[1].digest() != digest
        weight.assign(value)
    assert partitions[1].digest() == digest
    partitions[1].trainable.get_layer("dense").bias.assign(np.ones(256))
    assert partitions[1].digest() == digest, "the digest must not cover trainable layers"
    deeper = partition_network(*networks[1], 12)
    assert deeper and deeper.digest() != digest


@pytest.mark.slow
def test_the_digest_covers_the_input_range_but_not_numbered_layer_names() -> None:
    """Scaling layers have no weights, and Keras numbers their names: a second network has other names."""
    params = recipe(backbone="MobileNetV2", unfreeze=0, input_range="backbone")
    network = build_network(params)
    parts, unit = (
        partition_network(network, params),
        partition_network(network, params.model_copy(update={"input_range": "unit"})),
    )
    again = partition_network(build_network(params), params)
    assert parts and unit and again
    assert parts.digest() == again.digest()
    assert parts.digest() != unit.digest()
