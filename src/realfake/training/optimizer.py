"""Build the optimizer of a recipe with its learning-rate schedule, and compile a network with it."""

import math
from typing import Any

import keras

from realfake.config.schema import OptimizerParams, TrainParams


class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Raise the learning rate linearly, then keep it or lower it to 0 along a cosine (Loshchilov & Hutter 2017).

    Args:
        params: peak learning rate, schedule and length of the warm-up.
        steps: batches per epoch.
        epochs: epochs of the whole training.
    """

    def __init__(self, params: OptimizerParams, steps: int, epochs: int) -> None:
        self.peak, self.cosine = params.learning_rate, params.schedule == "cosine"
        self.warmup, self.total = params.warmup_epochs * steps, epochs * steps

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        rising = (step + 1) / max(self.warmup, 1.0)
        progress = keras.ops.clip((step - self.warmup) / max(self.total - self.warmup, 1.0), 0.0, 1.0)
        falling = 0.5 * (1 + keras.ops.cos(math.pi * progress)) if self.cosine else 1.0
        return self.peak * keras.ops.minimum(rising, 1.0) * falling


def compile_network(network: keras.Model, params: TrainParams, steps: int) -> None:
    """Compile a network with its loss, metric and optimizer, in place.

    Args:
        network: the network to train.
        params: training parameters; optimizer, epochs and label smoothing are used.
        steps: batches per epoch.
    """
    optimizer = _build_optimizer(params, steps)
    loss = keras.losses.BinaryCrossentropy(label_smoothing=params.label_smoothing)
    # A metric given by name would be created in the first step, and TensorFlow would trace that step twice.
    metric = keras.metrics.BinaryAccuracy(name="accuracy")
    # XLA was measured at half the speed on CPU, and its compilation slows the first epoch.
    network.compile(optimizer, loss=loss, metrics=[metric], jit_compile=False)
    optimizer.build(network.trainable_variables)


def _build_optimizer(params: TrainParams, steps: int) -> keras.optimizers.Optimizer:
    schedule = WarmupSchedule(params.optimizer, steps, params.epochs)
    decay, momentum = params.optimizer.weight_decay or None, params.optimizer.averaging
    average: dict[str, Any] = {"use_ema": True, "ema_momentum": momentum, "ema_overwrite_frequency": steps}
    average = average if momentum else {}
    if params.optimizer.name == "sgd":
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=decay, **average)
    elif params.optimizer.name == "adamw":
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=decay or 0.0, **average)
    else:
        optimizer = keras.optimizers.Adam(schedule, **average)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
