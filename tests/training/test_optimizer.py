"""A network is compiled with its recipe's optimizer, weight decay, weight averaging and learning-rate schedule."""

import keras
import pytest

from realfake.config.schema import OptimizerParams
from realfake.training.optimizer import WarmupSchedule, compile_network


def optimizer(**changes) -> OptimizerParams:
    values = {"name": "adamw", "learning_rate": 0.1, "schedule": "cosine", "warmup_epochs": 0.5}
    return OptimizerParams(**values | {"weight_decay": 0.01, "averaging": 0.0} | changes)


def test_the_learning_rate_rises_during_the_warm_up_and_falls_to_zero():
    rates = [float(WarmupSchedule(optimizer(), steps=10, epochs=3)(step)) for step in range(31)]
    assert rates[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-6)
    constant = WarmupSchedule(optimizer(schedule="constant", warmup_epochs=0.0), steps=10, epochs=3)
    assert [float(constant(step)) for step in (0, 30)] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adamw", 0.01), ("sgd", 0.01)])
def test_the_optimizer_is_the_one_that_the_parameters_name(train_params, name, decay):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    params = train_params.model_copy(update={"optimizer": optimizer(name=name, weight_decay=decay, averaging=0.9)})
    compile_network(network, params, steps=7)
    assert type(network.optimizer).__name__.lower() == name
    assert (network.optimizer.weight_decay or 0) == decay
    assert network.optimizer.ema_overwrite_frequency == 7
