"""The training loop learns, is reproducible, continues after a kill, and stops with an error when it diverges."""

import dataclasses

import keras
import numpy as np
import pytest
from conftest import toy_pictures

from realfake.config.schema import OptimizerParams, TrainParams
from realfake.core.errors import UserError
from realfake.data.augmentation import Augmenter
from realfake.data.examples import FeatureExamples, PictureExamples, TrainingData
from realfake.metrics.scores import log_loss
from realfake.models.builder import build_network, keep_in_inference_mode
from realfake.models.saving import predict
from realfake.training.checkpoint import Checkpoint
from realfake.training.loop import CODE, fit, kept_epoch

VAL = toy_pictures(32, seed=1)


@pytest.fixture(scope="module")
def data(train_params: TrainParams) -> TrainingData:
    pictures, labels = toy_pictures(64, seed=0)
    augment = Augmenter(train_params.augmentation, train_params.seed, 32)
    return TrainingData(PictureExamples(pictures, 32, augment), labels, PictureExamples(VAL[0], 32), VAL[1])


class Killed(BaseException):
    """Stand for a kill between two epochs."""


def train(params: TrainParams, data: TrainingData, checkpoint: Checkpoint | None = None, kill_after: int | None = None):
    network = build_network(params)

    def on_epoch(result, timing) -> None:
        assert timing.epoch_seconds > 0
        assert 0 <= timing.input_wait < 1
        if result.epoch == kill_after:
            raise Killed

    return network, fit(network, lambda: data, params, checkpoint, on_epoch)


def test_training_learns_and_leaves_the_weights_of_the_best_epoch(train_params, data):
    params = train_params.model_copy(update={"epochs": 8})
    network, history = train(params, data)
    best = kept_epoch(history, params)
    assert best.val_accuracy > 0.85
    assert best.val_accuracy == max(result.val_accuracy for result in history)
    probabilities = predict(network, VAL[0])
    assert ((probabilities >= 0.5) == data.val_labels).mean() == best.val_accuracy
    assert [result.epoch for result in history] == list(range(1, 9))


def test_training_leaves_the_weights_of_the_last_epoch_if_configured(train_params, data):
    """The labels of val are inverted, so that training lowers the val accuracy and the last epoch is not the best."""
    inverted = dataclasses.replace(data, val_labels=1 - data.val_labels)
    params = train_params.model_copy(update={"epochs": 4, "keep": "last"})
    network, history = train(params, inverted)
    kept = kept_epoch(history, params)
    assert kept == history[-1]
    assert log_loss(inverted.val_labels, predict(network, VAL[0])) == pytest.approx(kept.val_loss, rel=1e-4)
    assert kept.val_accuracy < max(result.val_accuracy for result in history)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"precision": "bfloat16"}, {"label_smoothing": 0.1}], ids=["bfloat16", "smooth"])
def test_training_learns_in_bfloat16_and_with_label_smoothing(train_params, data, changes):
    params = train_params.model_copy(update={"epochs": 8} | changes)
    network, history = train(params, data)
    assert kept_epoch(history, params).val_accuracy > 0.85
    assert all(variable.dtype == "float32" for variable in network.trainable_variables)


@pytest.mark.slow
def test_averaged_weights_are_closer_to_the_initial_ones(train_params, data):
    """After the first epoch the weights are the average over its steps, so they have moved less."""
    start = build_network(train_params).get_weights()[0]
    moved = []
    for averaging in (0.0, 0.99):
        optimizer = train_params.optimizer.model_copy(update={"averaging": averaging})
        network, _ = train(train_params.model_copy(update={"epochs": 1, "optimizer": optimizer}), data)
        moved.append(np.abs(network.get_weights()[0] - start).mean())
    assert 0 < moved[1] < moved[0]


@pytest.fixture(scope="module")
def whole(train_params, data):
    """Train without interruption and return the network and its history; tests must not change them."""
    return train(train_params, data)


@pytest.mark.slow
def test_the_moving_average_of_the_weights_continues_after_a_kill(train_params, data, project):
    optimizer = train_params.optimizer.model_copy(update={"averaging": 0.9})
    params = train_params.model_copy(update={"optimizer": optimizer, "precision": "bfloat16"})
    with pytest.raises(Killed):
        train(params, data, Checkpoint({"params": 2}, CODE), kill_after=1)
    resumed, history = train(params, data, Checkpoint({"params": 2}, CODE))
    whole, expected = train(params, data)
    assert history == expected
    assert_same_weights(resumed, whole)


@pytest.mark.slow
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(train_params, data, whole, project):
    with pytest.raises(Killed):
        train(train_params, data, Checkpoint({"params": 1}, CODE), kill_after=1)
    resumed, history = train(train_params, data, Checkpoint({"params": 1}, CODE))
    assert history == whole[1]
    assert_same_weights(resumed, whole[0])
    # A finished training must not load its data: cached features may be removed, and take hours to compute again.
    again, checkpoint = build_network(train_params), Checkpoint({"params": 1}, CODE)
    assert fit(again, lambda: pytest.fail("the data was loaded"), train_params, checkpoint) == history
    assert_same_weights(again, whole[0])


def assert_same_weights(one: keras.Model, two: keras.Model) -> None:
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))


@pytest.mark.slow
def test_another_seed_gives_other_weights(train_params, data, whole):
    other, _ = train(train_params.model_copy(update={"seed": 1}), data)
    assert not np.array_equal(whole[0].get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("name", ["adam", pytest.param("sgd", marks=pytest.mark.slow)])
def test_the_learning_rate_follows_the_schedule(train_params, data, name):
    optimizer = OptimizerParams(
        name=name, learning_rate=0.01, schedule="cosine", warmup_epochs=1.0, weight_decay=0.0, averaging=0.0
    )
    params = train_params.model_copy(update={"epochs": 3, "optimizer": optimizer})
    _, history = train(params, data)
    rates = [result.learning_rate for result in history]
    assert rates == pytest.approx([0.01, 0.005, 0.0], abs=1e-6)


def test_only_unfrozen_layers_are_trained(train_params, data):
    params = train_params.model_copy(update={"unfreeze": 5})
    before = build_network(params).get_layer("backbone")
    after = train(params, data)[0].get_layer("backbone")
    moved = [
        any(not np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))
        for one, two in zip(before.layers, after.layers, strict=True)
        if one.weights
    ]
    expected = [layer in before.layers[-5:] for layer in before.layers if layer.weights]
    assert moved == expected
    assert any(expected)


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_remedy(train_params, data):
    network = build_network(train_params)
    network.get_layer("probability_real").kernel.assign(np.full((256, 1), np.nan, np.float32))
    with pytest.raises(UserError, match=r"epoch 1/2: the loss is nan.*train\.optimizer\.learning_rate"):
        fit(network, lambda: data, train_params)


def test_the_trainable_part_draws_the_same_dropout_masks_as_the_whole_network(train_params):
    """Dropout in frozen layers (EfficientNet has some) must not shift the random states of the layers behind them."""
    labels = toy_pictures(64, seed=0)[1]
    vectors = np.random.default_rng(0).random((64, 8), dtype=np.float32)
    data = TrainingData(FeatureExamples([vectors]), labels, FeatureExamples([vectors]), labels)
    vector = keras.Input((8,))
    frozen = keep_in_inference_mode(keras.Model(vector, keras.layers.Dropout(0.5)(vector)))
    head = [keras.layers.Dropout(0.5), keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros")]

    def trained_kernel(first: list[keras.Model]) -> np.ndarray:
        inputs = x = keras.Input((8,))
        for layer in first:
            x = layer(x, training=False)
        for layer in head:
            x = layer(x)
        head[1].set_weights([np.zeros((8, 1)), np.zeros(1)])
        fit(keras.Model(inputs, x), lambda: data, train_params)
        return head[1].kernel.numpy()

    trainable_part = trained_kernel([])
    assert np.any(trainable_part)
    np.testing.assert_allclose(trained_kernel([frozen]), trainable_part, rtol=1e-4)
