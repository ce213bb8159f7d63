"""Training on cached features changes the weights as training on pictures does, except for float16's rounding.

Differences between two changes of the weights are relative to the norm of the change, and are compared with the
differences that typical mistakes cause.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import PROJECT, toy_pictures

from realfake.config.schema import TrainParams, load_params
from realfake.data.examples import Examples, FeatureExamples, TrainingData
from realfake.data.images import network_input
from realfake.feature_cache.features import TrainablePart
from realfake.models.builder import build_network
from realfake.training.loop import fit

TRAIN, VAL = toy_pictures(48, seed=0), toy_pictures(16, seed=1)
SGD = {"name": "sgd", "learning_rate": 0.001, "schedule": "constant", "warmup_epochs": 0.0, "weight_decay": 0.0}
SGD |= {"averaging": 0.0}


def recipe(**changes: object) -> TrainParams:
    """Return recipes/deck.yaml with random weights and two epochs of three steps on augmented pictures, with dropout.

    "deck" is the recipe of the talk this project grew out of.
    """
    deck = load_params(PROJECT / "recipes/deck.yaml").train.model_dump()
    small = {"weights": "none", "image_size": 64, "batch_size": 16, "epochs": 2, "optimizer": SGD}
    views = {
        "augmentation": {"strength": 0.5, "corruption": 0.3, "views": None},
        "cache": {"max_gb": 5.0, "runtime": "tensorflow"},
    }
    return TrainParams.model_validate(deck | small | views | changes)


def normalizations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def normalized_network(params: TrainParams) -> keras.Model:
    """Build a network and set its BatchNormalization statistics from pictures, so that its activations stay finite.

    The statistics are then shifted, so that normalizing by the batch's statistics would give another result.
    """
    network = build_network(params)
    backbone = network.get_layer("backbone")
    layers = normalizations(backbone)
    flags, momenta = [layer.trainable for layer in layers], [layer.momentum for layer in layers]
    for layer in layers:
        layer.trainable, layer.momentum = True, 0.0
    backbone(network_input(TRAIN[0], params.image_size), training=True)
    for layer, trainable, momentum in zip(layers, flags, momenta, strict=True):
        layer.trainable, layer.momentum = trainable, momentum
        layer.moving_mean.assign(layer.moving_mean + 0.1 * np.sqrt(layer.moving_variance))
        layer.moving_variance.assign(layer.moving_variance * 1.5)
    return network


class Trainings:
    """Train one network repeatedly from the same initial weights."""

    def __init__(self, params: TrainParams) -> None:
        self.params, self.network = params, normalized_network(params)
        self._start = [variable.numpy() for variable in self.network.variables]

    def change(self, part: keras.Model, train: Examples, val: Examples) -> np.ndarray:
        """Train a part of the network and return the change of its trainable weights, float32 (weights,)."""
        variables, after = self.network.trainable_variables, []
        before = [variable.numpy() for variable in variables]

        def on_epoch(result: object, timing: object) -> None:  # `fit` restores the best epoch; this keeps the last
            after[:] = [variable.numpy() for variable in variables]

        fit(part, lambda: TrainingData(train, TRAIN[1], val, VAL[1]), self.params, on_epoch=on_epoch)
        for variable, value in zip(self.network.variables, self._start, strict=True):
            variable.assign(value)
        return np.concatenate([(new - old).ravel() for new, old in zip(after, before, strict=True)])

    def pictures(self) -> tuple[Examples, Examples]:
        """Return the examples of train and val for training the whole network."""
        with TrainablePart(self.network, without_cache(self.params), TRAIN, VAL) as part:
            assert part.parts is None
            data = part.data()
        return data.train, data.val


def without_cache(params: TrainParams) -> TrainParams:
    return params.model_copy(update={"cache": params.cache.model_copy(update={"max_gb": 0.0})})


def relative(change: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(change - reference) / np.linalg.norm(reference))


def assert_exact(params: TrainParams) -> None:
    """Check that training on cached features differs from training on pictures less than with typical mistakes.

    Relative differences measured with ResNet50 at depths 0, 10, 20, 32 (TensorFlow 2.21, AVX-512):
    cached features (float16): 0.0001, 0.007, 0.011, 0.04;
    features of another view: 0.05, 0.12, 0.2, 0.25;
    features of other pictures: 0.13, 0.33, 0.39, 0.6;
    BatchNormalization with the batch's statistics: at least 2;
    features in float32: 1e-6, 3e-6, 4e-6, 0.002 if a picture's features do not depend on the rest of its batch.
    On AVX2 their last bits do, which flips ReLUs near 0, and gives 0.004, 0.006, 0.013 at depths 10 to 32. Therefore
    no limit is set for float32, except for the features themselves.
    """
    trainings = Trainings(params)
    train, val = trainings.pictures()
    exact = trainings.change(trainings.network, train, val)
    assert np.linalg.norm(exact) > 1e-4
    with TrainablePart(trainings.network, params, TRAIN, VAL) as part:
        assert part.parts is not None
        data = part.data()
        indices = np.arange(len(TRAIN[1]))
        float32 = [part.parts.frozen.predict_on_batch(train.inputs(indices, epoch)) for epoch in range(params.epochs)]
        for epoch, features in enumerate(float32):
            np.testing.assert_allclose(data.train.inputs(indices, epoch), features, rtol=1e-3, atol=1e-4)

        def error(views: list[np.ndarray]) -> float:
            return relative(trainings.change(part.network, FeatureExamples(views), data.val), exact)

        cached = relative(trainings.change(part.network, data.train, data.val), exact)
        other_view = error(float32[::-1])
        other_order = error([features[::-1] for features in float32])
        assert 4 * cached < other_view
        assert 4 * cached < other_order
        if params.unfreeze:
            part.network.get_layer("trainable_backbone")._call_context_args |= {"training"}
            assert 4 * cached < error(float32), "BatchNormalization with the batch's statistics"


def test_a_small_network_is_trained_alike_on_cached_features(train_params: TrainParams, project: Path) -> None:
    changes = {"unfreeze": 5, "width": 8, "optimizer": SGD | {"learning_rate": 0.01}}
    assert_exact(TrainParams.model_validate(train_params.model_dump() | changes))


@pytest.mark.slow
def test_resnet50_is_trained_alike_on_cached_features(project: Path) -> None:
    """Test the unfreeze depth of recipes/deck.yaml."""
    assert_exact(recipe(unfreeze=10))
