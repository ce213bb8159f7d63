"""The closed form of Grad-CAM equals backpropagation, for native backbones and those of keras.applications."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import toy_pictures
from PIL import Image

from realfake.config.schema import TrainParams
from realfake.data.images import network_input
from realfake.evaluation.grad_cam import grad_cam
from realfake.models.builder import build_network
from realfake.models.saving import predict, to_float32
from realfake.models.test_time_augmentation import average_over_mirror_image

LARGE = {"backbone": "ResNet50", "width": None, "image_size": 64, "unfreeze": 10}


def by_backpropagation(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Compute Grad-CAM maps with the paper's gradients, before they are enlarged, (N, h, w)."""
    features_of = keras.Model(network.inputs, network.get_layer("pool").input)
    features = features_of(network_input(pictures, network.input_shape[1]), training=False)
    with tf.GradientTape() as tape:
        tape.watch(features)
        x = network.get_layer("dense")(network.get_layer("pool")(features))
        kernel, bias = network.get_layer("probability_real").get_weights()
        logit = x @ kernel + bias
        evidence = tf.where(logit >= 0, logit, -logit)
    weights = tf.reduce_mean(tape.gradient(evidence, features), axis=(1, 2))
    maps = tf.nn.relu(tf.einsum("nhwc,nc->nhw", features, weights)).numpy()
    return maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-30)


@pytest.mark.parametrize("changes", [{}, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["native", "application"])
def test_the_closed_form_equals_backpropagation(train_params, changes):
    network = build_network(TrainParams.model_validate(train_params.model_dump() | changes))
    pictures, _ = toy_pictures(8, seed=3)
    probabilities, maps = grad_cam(network, pictures, 0.5)
    assert np.allclose(probabilities, predict(network, pictures), atol=1e-6)
    assert (maps.shape, maps.dtype) == ((8, 32, 32), np.float32)
    assert maps.min() >= 0 and maps.max() <= 1
    expected = by_backpropagation(network, pictures)
    for values, expected_values in zip(maps, expected, strict=True):
        enlarged = Image.fromarray(expected_values.astype(np.float32)).resize((32, 32), Image.Resampling.BILINEAR)
        assert np.allclose(values, np.asarray(enlarged), atol=0.006)


def test_with_test_time_augmentation_the_map_of_the_mirror_image_is_flipped_back(train_params):
    """A picture and its mirror image get the same P(REAL), and maps that are each other's mirror image."""
    network = to_float32(average_over_mirror_image(build_network(train_params), train_params))
    pictures, _ = toy_pictures(8, seed=3)
    probabilities, maps = grad_cam(network, pictures, 0.5)
    assert np.allclose(probabilities, predict(network, pictures), atol=1e-6)
    flipped_probabilities, flipped_maps = grad_cam(network, np.ascontiguousarray(pictures[:, :, ::-1]), 0.5)
    assert np.allclose(flipped_probabilities, probabilities, atol=1e-6)
    assert np.allclose(flipped_maps, maps[:, :, ::-1], atol=0.011)
    assert not np.allclose(maps, maps[:, :, ::-1], atol=0.05)
