"""fit(...): the one training loop, used by `train` and by the sweep's trials."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypedDict

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from realfake.config.schema import OptimizerParams, TrainParams
from realfake.core.arrays import Inputs
from realfake.core.errors import UserError
from realfake.data.examples import TrainingData
from realfake.data.prefetch import Prefetched
from realfake.metrics.scores import accuracy, log_loss, roc_auc
from realfake.models.saving import predict_batches
from realfake.training.checkpoint import Checkpoint, Snapshot

CODE = ("training.loop", "models.builder", "feature_cache.features")
"""The modules that, with all that they import, determine what `fit` makes of a network: part of a checkpoint's key."""


class EpochResult(TypedDict):
    """One epoch's figures; `epoch` counts from 1, `learning_rate` is the one after its last step.

    train_* are means over the epoch while it trained, on augmented pictures and with dropout.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    val_auc: float


class EpochTiming(TypedDict):
    """What one epoch took; it varies by nature and stands in no output."""

    epoch_seconds: float
    """With its scoring on val."""
    input_wait: float
    """The part of the training time, 0 to 1, that the network waited for its batches."""


Means = dict[str, float]
"""`loss` and `accuracy` over an epoch."""


def fit(
    network: keras.Model,
    data: Callable[[], TrainingData],
    params: TrainParams,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[EpochResult, EpochTiming], None] = lambda result, timing: None,
) -> list[EpochResult]:
    """Train a network in place and leave it with the weights of its best epoch on val, or of its last.

    Best is the highest val accuracy, then the lowest val loss. The result depends on data, params and the network's
    initial weights alone: every random choice is a function of (seed, epoch), so a training that continues from its
    checkpoint ends with the weights of an uninterrupted one.

    Args:
        network: as `build_network` returns it, or the part of it behind its frozen layers; it is compiled here.
        data: gives what the network takes; called only when an epoch is left to train.
        params: epochs, which of them is kept, batch size, optimiser, augmentation, seed.
        checkpoint: where the state is kept after each epoch; None keeps nothing.
        on_epoch: called after every epoch trained now (not for epochs read from the checkpoint).

    Returns:
        A result per epoch, those read from the checkpoint included.

    Raises:
        UserError: the loss is no longer finite.
    """
    snapshot = (checkpoint.load() if checkpoint else None) or Snapshot([], [], [], [])
    if snapshot.history:
        print(f"going on after {len(snapshot.history)} of {params.epochs} epochs that are done", flush=True)
    if len(snapshot.history) < params.epochs:
        for following, timing in _epochs(network, data(), params, snapshot):
            snapshot = following
            if checkpoint:
                checkpoint.save(snapshot)
            on_epoch(snapshot.history[-1], timing)
    _assign(network.variables, snapshot.best if params.keep == "best" else snapshot.model)
    return snapshot.history


def kept_epoch(history: list[EpochResult], params: TrainParams) -> EpochResult:
    """The epoch whose weights `fit` leaves."""
    return _best_epoch(history) if params.keep == "best" else history[-1]


def _best_epoch(history: list[EpochResult]) -> EpochResult:
    """Highest val accuracy, then lowest val loss, then earliest."""
    return max(history, key=lambda result: (result["val_accuracy"], -result["val_loss"], -result["epoch"]))


class _WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
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


def _epochs(
    network: keras.Model, data: TrainingData, params: TrainParams, snapshot: Snapshot
) -> Iterator[tuple[Snapshot, EpochTiming]]:
    """Train the epochs that follow a snapshot, and give the state after each."""
    _compile(network, params, math.ceil(len(data.train_labels) / params.batch_size))
    if snapshot.history:
        _assign(network.variables, snapshot.model)
        _assign(network.optimizer.variables, snapshot.optimizer)
    for epoch in range(len(snapshot.history), params.epochs):
        started = time.perf_counter()
        _reseed(network, params.seed, epoch)
        trained, input_wait = _train_epoch(network, data, params, epoch)
        history = [*snapshot.history, _result(network, data, epoch, trained)]
        model = _values(network.variables)
        best = model if history[-1] is _best_epoch(history) else snapshot.best
        snapshot = Snapshot(history, model, _values(network.optimizer.variables), best)
        yield snapshot, {"epoch_seconds": time.perf_counter() - started, "input_wait": input_wait}


def _train_epoch(network: keras.Model, data: TrainingData, params: TrainParams, epoch: int) -> tuple[Means, float]:
    """Train for one epoch in an order of its own; a bar on a terminal, nothing elsewhere.

    `keras.Model.fit` is as fast at best, and does not tell how long the network waits.

    Returns:
        Mean loss and accuracy over the epoch, and the part of its time that the network waited for its batches.

    Raises:
        UserError: the loss is no longer a number.
    """
    order = np.random.default_rng((params.seed, epoch)).permutation(len(data.train_labels))

    def batch(step: int) -> tuple[Inputs, npt.NDArray[np.float32]]:
        chosen = order[step * params.batch_size : (step + 1) * params.batch_size]
        return data.train.inputs(chosen, epoch), data.train_labels[chosen].astype(np.float32)[:, None]

    title = f"epoch {epoch + 1}/{params.epochs}"
    sums = dict.fromkeys(("loss", "accuracy"), 0.0)
    batches = Prefetched(batch, math.ceil(len(order) / params.batch_size))
    started = time.perf_counter()
    with tqdm(batches, desc=title, unit="batch", leave=False, disable=None) as bar:
        for inputs, labels in bar:
            logs = network.train_on_batch(inputs, labels, return_dict=True)
            if not math.isfinite(logs["loss"]):
                raise UserError(
                    f"{title}: the loss is {logs['loss']}; lower train.optimizer.learning_rate or add warmup_epochs"
                )
            sums = {name: value + float(logs[name]) * len(labels) for name, value in sums.items()}
            bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)
    means = {name: value / len(order) for name, value in sums.items()}
    return means, batches.waited / (time.perf_counter() - started)


def _compile(network: keras.Model, params: TrainParams, steps: int) -> None:
    schedule = _WarmupSchedule(params.optimizer, steps, params.epochs)
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
    # XLA halves the speed on CPU (measured), and its compilation costs the first epoch
    loss = keras.losses.BinaryCrossentropy(label_smoothing=params.label_smoothing)
    # as an object: of a name Keras would make the metric in the first step, and TensorFlow trace that step twice
    metric = keras.metrics.BinaryAccuracy(name="accuracy")
    network.compile(optimizer, loss=loss, metrics=[metric], jit_compile=False)
    optimizer.build(network.trainable_variables)


def _result(network: keras.Model, data: TrainingData, epoch: int, trained: Means) -> EpochResult:
    probabilities = predict_batches(
        network, lambda start, stop: data.val.inputs(np.arange(start, stop), 0), len(data.val_labels)
    )
    return {
        "epoch": epoch + 1,
        "learning_rate": float(network.optimizer.learning_rate),
        "train_loss": trained["loss"],
        "train_accuracy": trained["accuracy"],
        "val_loss": log_loss(data.val_labels, probabilities),
        "val_accuracy": accuracy(data.val_labels, probabilities),
        "val_auc": roc_auc(data.val_labels, probabilities),
    }


def _reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Give each dropout layer the random state of this epoch, whatever was drawn before.

    They are counted from the end: the part behind frozen layers must draw what the whole network would.
    """
    states = [variable for variable in network.variables if variable.path.endswith("seed_generator_state")]
    for place, variable in enumerate(reversed(states)):
        state = np.random.SeedSequence((seed, epoch, place)).generate_state(2)
        variable.assign(state.astype(np.uint32))


def _values(variables: list[Any]) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
