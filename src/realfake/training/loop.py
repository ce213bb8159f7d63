"""fit(...): the one training loop, used by `train` and by the sweep's trials."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from realfake.config.schema import FINISHING, TrainParams
from realfake.core.arrays import Inputs
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.data.dataset import MANIFEST
from realfake.data.examples import TrainingData
from realfake.data.prefetch import Prefetched
from realfake.metrics.scores import accuracy, log_loss, roc_auc
from realfake.models.saving import predict_batches
from realfake.training.checkpoint import Checkpoint, TrainingState
from realfake.training.history import EpochResult, EpochTiming, best_epoch
from realfake.training.optimizer import compile_network

CODE = ("training.loop", "models.builder", "feature_cache.features")
"""The modules that, with all that they import, determine what `fit` makes of a network: part of a checkpoint's key."""
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
    snapshot = (checkpoint.load() if checkpoint else None) or TrainingState([], [], [], [])
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
    return best_epoch(history) if params.keep == "best" else history[-1]


def checkpoint_of(prepared: Path, named: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint of a training, keyed by its pictures, the parameters that its epochs depend on, and CODE.

    Args:
        prepared: the folder of its pictures.
        named: its parameters, from `named_params`.
    """
    learnt = {name: value for name, value in named.items() if name.removeprefix("train.") not in FINISHING}
    return Checkpoint({"data": sha256_file(prepared / MANIFEST), **learnt}, CODE)


def _epochs(
    network: keras.Model, data: TrainingData, params: TrainParams, snapshot: TrainingState
) -> Iterator[tuple[TrainingState, EpochTiming]]:
    """Train the epochs that follow a snapshot, and give the state after each."""
    compile_network(network, params, math.ceil(len(data.train_labels) / params.batch_size))
    if snapshot.history:
        _assign(network.variables, snapshot.model)
        _assign(network.optimizer.variables, snapshot.optimizer)
    for epoch in range(len(snapshot.history), params.epochs):
        started = time.perf_counter()
        _reseed(network, params.seed, epoch)
        trained, input_wait = _train_epoch(network, data, params, epoch)
        history = [*snapshot.history, _result(network, data, epoch, trained)]
        model = _values(network.variables)
        best = model if history[-1] is best_epoch(history) else snapshot.best
        snapshot = TrainingState(history, model, _values(network.optimizer.variables), best)
        yield snapshot, EpochTiming(time.perf_counter() - started, input_wait)


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
    return means, batches.seconds_waited / (time.perf_counter() - started)


def _result(network: keras.Model, data: TrainingData, epoch: int, trained: Means) -> EpochResult:
    probabilities = predict_batches(
        network, lambda start, stop: data.val.inputs(np.arange(start, stop), 0), len(data.val_labels)
    )
    return EpochResult(
        epoch=epoch + 1,
        learning_rate=float(network.optimizer.learning_rate),
        train_loss=trained["loss"],
        train_accuracy=trained["accuracy"],
        val_loss=log_loss(data.val_labels, probabilities),
        val_accuracy=accuracy(data.val_labels, probabilities),
        val_auc=roc_auc(data.val_labels, probabilities),
    )


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
