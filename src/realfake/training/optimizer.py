"""The optimiser of a recipe and its learning-rate schedule."""

import math
from typing import Any

import keras

from realfake.config.schema import OptimizerParams, TrainParams


class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Linear warm-up to the peak, then constant or half a cosine down to 0 (Loshchilov & Hutter 2017)."""

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
    """Give a network its loss and its optimiser, in place.

    Args:
        network: whose trainable layers are to learn.
        params: optimiser, epochs, label smoothing.
        steps: batches in an epoch.
    """
    optimizer = _optimizer(params, steps)
    # XLA halves the speed on CPU (measured), and its compilation costs the first epoch
    loss = keras.losses.BinaryCrossentropy(label_smoothing=params.label_smoothing)
    # as an object: of a name Keras would make the metric in the first step, and TensorFlow trace that step twice
    metric = keras.metrics.BinaryAccuracy(name="accuracy")
    network.compile(optimizer, loss=loss, metrics=[metric], jit_compile=False)
    optimizer.build(network.trainable_variables)


def _optimizer(params: TrainParams, steps: int) -> keras.optimizers.Optimizer:
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
