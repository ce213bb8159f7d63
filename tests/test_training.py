"""The one training loop: it learns, it repeats, it goes on after a kill, it says when it diverges."""

import numpy as np
import pytest
from conftest import toy_pictures

from realfake.builder import build_network
from realfake.checkpoint import Checkpoint
from realfake.errors import UserError
from realfake.network import predict
from realfake.params import OptimizerParams, TrainParams
from realfake.training import MODULES, TrainingData, best_epoch, fit


@pytest.fixture
def data() -> TrainingData:
    return TrainingData(*toy_pictures(64, seed=0), *toy_pictures(32, seed=1))


class Killed(BaseException):
    """Stands for a kill between two epochs."""


def train(params: TrainParams, data: TrainingData, checkpoint: Checkpoint | None = None, kill_after: int | None = None):
    network = build_network(params)

    def on_epoch(result) -> None:
        if result["epoch"] == kill_after:
            raise Killed

    return network, fit(network, data, params, checkpoint, on_epoch)


def test_it_learns_and_leaves_the_best_epoch(train_params, data):
    params = train_params.model_copy(update={"epochs": 8})
    network, history = train(params, data)
    best = best_epoch(history)
    assert best["val_accuracy"] > 0.85
    probabilities = predict(network, data.val_pictures)
    assert ((probabilities >= 0.5) == data.val_labels).mean() == best["val_accuracy"]
    assert [result["epoch"] for result in history] == list(range(1, 9))


def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(train_params, data, project):
    params = train_params.model_copy(update={"epochs": 3})
    whole, history = train(params, data)
    checkpoint = Checkpoint({"params": 1}, MODULES)
    with pytest.raises(Killed):
        train(params, data, checkpoint, kill_after=2)
    resumed, resumed_history = train(params, data, Checkpoint({"params": 1}, MODULES))
    assert resumed_history == history
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert np.array_equal(one, two)


def test_another_seed_gives_other_weights(train_params, data):
    one, _ = train(train_params, data)
    other, _ = train(train_params.model_copy(update={"seed": 1}), data)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_the_schedule_warms_up_and_falls(train_params, data, name):
    optimizer = OptimizerParams(name=name, learning_rate=0.01, schedule="cosine", warmup_epochs=1.0, weight_decay=0.0)
    params = train_params.model_copy(update={"epochs": 3, "optimizer": optimizer})
    _, history = train(params, data)
    rates = [result["learning_rate"] for result in history]
    assert rates == pytest.approx([0.01, 0.005, 0.0], abs=1e-6)


def test_only_unfrozen_layers_move(train_params, data):
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


def test_a_loss_that_is_no_number_stops_with_the_cause(train_params, data):
    network = build_network(train_params)
    network.get_layer("probability_real").kernel.assign(np.full((256, 1), np.nan, np.float32))
    with pytest.raises(UserError, match=r"epoch 1/2: the loss is nan; lower train.optimizer.learning_rate"):
        fit(network, data, train_params)
