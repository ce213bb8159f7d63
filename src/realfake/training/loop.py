"""Train a network: the one training loop, used by the stage train and by the trials of a sweep."""

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
"""Modules that, with all that they import, determine the result of `fit`; their code is part of a checkpoint's key."""
Means = dict[str, float]
"""Mean `loss` and `accuracy` over an epoch."""


def fit(
    network: keras.Model,
    data: Callable[[], TrainingData],
    params: TrainParams,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[EpochResult, EpochTiming], None] = lambda result, timing: None,
) -> list[EpochResult]:
    """Train a network in place and leave it with the weights of its best epoch on val, or of its last epoch.

    The best epoch has the highest val accuracy, then the lowest val loss. The result depends only on the data, the
    parameters and the network's initial weights: every random choice is a function of (seed, epoch), so a training
    that continues from its checkpoint ends with the weights of an uninterrupted one.

    Args:
        network: a network from `build_network`, or the trainable part of one; it is compiled here.
        data: returns the network's training data; called only if an epoch is left to train.
        params: training parameters.
        checkpoint: saves the state after each epoch; None saves nothing.
        on_epoch: called after every epoch that is trained now, but not for epochs read from the checkpoint.

    Returns:
        The results of all epochs, those read from the checkpoint included.

    Raises:
        UserError: the loss is no longer finite.
    """
    state = (checkpoint.load() if checkpoint else None) or TrainingState([], [], [], [])
    if state.history:
        print(f"continuing from the checkpoint: {len(state.history)} of {params.epochs} epochs are done", flush=True)
    if len(state.history) < params.epochs:
        for new_state, timing in _train_epochs(network, data(), params, state):
            state = new_state
            if checkpoint:
                checkpoint.save(state)
            on_epoch(state.history[-1], timing)
    _assign(network.variables, state.best if params.keep == "best" else state.model)
    return state.history


def kept_epoch(history: list[EpochResult], params: TrainParams) -> EpochResult:
    """Return the result of the epoch whose weights `fit` leaves in the network."""
    return best_epoch(history) if params.keep == "best" else history[-1]


def open_checkpoint(prepared: Path, named: Mapping[str, Any]) -> Checkpoint:
    """Open a training's checkpoint, keyed by its pictures, the parameters that its epochs depend on, and CODE.

    Args:
        prepared: the folder that preprocess wrote.
        named: the training's parameters, from `named_params`.
    """
    params = {name: value for name, value in named.items() if name.removeprefix("train.") not in FINISHING}
    return Checkpoint({"data": sha256_file(prepared / MANIFEST), **params}, CODE)


def _train_epochs(
    network: keras.Model, data: TrainingData, params: TrainParams, state: TrainingState
) -> Iterator[tuple[TrainingState, EpochTiming]]:
    """Train the remaining epochs, and yield the state and the timing after each."""
    compile_network(network, params, math.ceil(len(data.train_labels) / params.batch_size))
    if state.history:
        _assign(network.variables, state.model)
        _assign(network.optimizer.variables, state.optimizer)
    for epoch in range(len(state.history), params.epochs):
        started = time.perf_counter()
        _reseed(network, params.seed, epoch)
        means, input_wait = _train_epoch(network, data, params, epoch)
        history = [*state.history, _validate(network, data, epoch, means)]
        model = _values(network.variables)
        best = model if history[-1] is best_epoch(history) else state.best
        state = TrainingState(history, model, _values(network.optimizer.variables), best)
        yield state, EpochTiming(time.perf_counter() - started, input_wait)


def _train_epoch(network: keras.Model, data: TrainingData, params: TrainParams, epoch: int) -> tuple[Means, float]:
    """Train for one epoch, in a random order of its own, with a progress bar on a terminal.

    `keras.Model.fit` is not faster, and does not report how long the network waits for its batches.

    Returns:
        The means over the epoch, and the fraction of its time in which the network waited for batches.

    Raises:
        UserError: the loss is no longer finite.
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
                    f"{title}: the loss is {logs['loss']}; lower train.optimizer.learning_rate or raise "
                    "train.optimizer.warmup_epochs"
                )
            sums = {name: value + float(logs[name]) * len(labels) for name, value in sums.items()}
            bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)
    means = {name: value / len(order) for name, value in sums.items()}
    return means, batches.seconds_waited / (time.perf_counter() - started)


def _validate(network: keras.Model, data: TrainingData, epoch: int, means: Means) -> EpochResult:
    """Score the network on val; `epoch` counts from 0, and `means` are those of the epoch's training."""
    probabilities = predict_batches(
        network, lambda start, stop: data.val.inputs(np.arange(start, stop), 0), len(data.val_labels)
    )
    return EpochResult(
        epoch=epoch + 1,
        learning_rate=float(network.optimizer.learning_rate),
        train_loss=means["loss"],
        train_accuracy=means["accuracy"],
        val_loss=log_loss(data.val_labels, probabilities),
        val_accuracy=accuracy(data.val_labels, probabilities),
        val_auc=roc_auc(data.val_labels, probabilities),
    )


def _reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Set the random state of each dropout layer to that of this epoch.

    Layers are counted from the end, so that the trainable part alone draws the same masks as the whole network.
    """
    states = [variable for variable in network.variables if variable.path.endswith("seed_generator_state")]
    for index, variable in enumerate(reversed(states)):
        state = np.random.SeedSequence((seed, epoch, index)).generate_state(2)
        variable.assign(state.astype(np.uint32))


def _values(variables: list[Any]) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
