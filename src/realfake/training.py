"""fit(...): the one training loop, used by `train` and by the sweep's trials."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import keras
import numpy as np
import numpy.typing as npt

from realfake.augmentation import Augmenter
from realfake.checkpoint import Checkpoint, Snapshot
from realfake.dataset import Labels
from realfake.errors import UserError
from realfake.metrics import accuracy, log_loss, roc_auc
from realfake.network import predict
from realfake.params import OptimizerParams, TrainParams
from realfake.pixels import Inputs, Pictures, network_input

MODULES = ("augmentation", "builder", "dataset", "metrics", "network", "pixels", "resnet", "training")
"""The modules that determine a trained network's bytes; a checkpoint made by other code is not continued."""


@dataclass(frozen=True)
class TrainingData:
    """What a network learns from and is chosen on: uint8 pictures (N, S, S, 3), labels uint8 (N,)."""

    train_pictures: Pictures
    train_labels: Labels
    val_pictures: Pictures
    val_labels: Labels


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


def fit(
    network: keras.Model,
    data: TrainingData,
    params: TrainParams,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[EpochResult], None] = lambda result: None,
) -> list[EpochResult]:
    """Train a network in place and leave it with the weights of its best epoch on val.

    Best is the highest val accuracy, then the lowest val loss. The result depends on data, params and the network's
    initial weights alone: every random choice is a function of (seed, epoch), so a training that continues from its
    checkpoint ends with the weights of an uninterrupted one.

    Args:
        network: as `build_network` returns it; it is compiled here.
        data: the pictures.
        params: epochs, batch size, optimiser, augmentation, seed.
        checkpoint: where the state is kept after each epoch; None keeps nothing.
        on_epoch: called after every epoch trained now (not for epochs read from the checkpoint).

    Returns:
        A result per epoch, those read from the checkpoint included.

    Raises:
        UserError: the loss is no longer finite.
    """
    steps = math.ceil(len(data.train_labels) / params.batch_size)
    _compile(network, params, steps)
    snapshot = checkpoint.load() if checkpoint else None
    if snapshot:
        print(f"going on after {len(snapshot.history)} of {params.epochs} epochs that are done", flush=True)
        _assign(network.variables, snapshot.model)
        _assign(network.optimizer.variables, snapshot.optimizer)
    else:
        snapshot = Snapshot([], [], [], [])
    augment = Augmenter(params.augmentation.strength, params.seed, data.train_pictures.shape[1])
    for epoch in range(len(snapshot.history), params.epochs):
        batches = _Batches(data, params, augment, epoch)
        _reseed(network, params.seed, epoch)
        trained = network.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[_Progress(epoch, params.epochs)])
        result = _result(network, data, epoch, trained.history)
        history = [*snapshot.history, result]
        best = _values(network.variables) if result is best_epoch(history) else snapshot.best
        snapshot = Snapshot(history, _values(network.variables), _values(network.optimizer.variables), best)
        if checkpoint:
            checkpoint.save(snapshot)
        on_epoch(result)
    _assign(network.variables, snapshot.best)
    return snapshot.history


def best_epoch(history: list[EpochResult]) -> EpochResult:
    """The epoch whose weights are kept: highest val accuracy, then lowest val loss, then earliest."""
    return max(history, key=lambda result: (result["val_accuracy"], -result["val_loss"], -result["epoch"]))


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """An epoch's batches: shuffled, augmented at source resolution, scaled and upscaled. Keras prefetches them."""

    def __init__(self, data: TrainingData, params: TrainParams, augment: Augmenter, epoch: int) -> None:
        super().__init__()
        self._data, self._params, self._augment, self._epoch = data, params, augment, epoch
        self._order = np.random.default_rng((params.seed, epoch)).permutation(len(data.train_labels))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._params.batch_size)

    def __getitem__(self, step: int) -> tuple[Inputs, npt.NDArray[np.float32]]:
        chosen = self._order[step * self._params.batch_size : (step + 1) * self._params.batch_size]
        pictures = self._augment(self._data.train_pictures[chosen], chosen, self._epoch)
        labels = self._data.train_labels[chosen].astype(np.float32)[:, None]
        return network_input(pictures, self._params.image_size), labels


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


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar on a terminal, nothing elsewhere; stops a training whose loss is no longer a number."""

    def __init__(self, epoch: int, epochs: int) -> None:
        super().__init__()
        self._title = f"epoch {epoch + 1}/{epochs}"

    def on_train_begin(self, logs: Any = None) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=self.params["steps"], desc=self._title, unit="batch", leave=False, disable=None)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise UserError(
                f"{self._title}: the loss is {loss}; lower train.optimizer.learning_rate or add warmup_epochs"
            )
        self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update()

    def on_train_end(self, logs: Any = None) -> None:
        self._bar.close()


def _compile(network: keras.Model, params: TrainParams, steps: int) -> None:
    schedule = _WarmupSchedule(params.optimizer, steps, params.epochs)
    decay = params.optimizer.weight_decay or None
    if params.optimizer.name == "sgd":
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=decay)
    elif params.optimizer.name == "adamw":
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=decay or 0.0)
    else:
        optimizer = keras.optimizers.Adam(schedule)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # XLA halves the speed on CPU (measured), and its compilation costs the first epoch
    network.compile(optimizer, loss="binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    optimizer.build(network.trainable_variables)


def _result(network: keras.Model, data: TrainingData, epoch: int, trained: dict[str, list[float]]) -> EpochResult:
    probabilities = predict(network, data.val_pictures)
    return {
        "epoch": epoch + 1,
        "learning_rate": float(network.optimizer.learning_rate),
        "train_loss": float(trained["loss"][0]),
        "train_accuracy": float(trained["accuracy"][0]),
        "val_loss": log_loss(data.val_labels, probabilities),
        "val_accuracy": accuracy(data.val_labels, probabilities),
        "val_auc": roc_auc(data.val_labels, probabilities),
    }


def _reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Give each dropout layer the random state of this epoch, whatever was drawn before."""
    for place, variable in enumerate(v for v in network.variables if v.path.endswith("seed_generator_state")):
        state = np.random.SeedSequence((seed, epoch, place)).generate_state(2)
        variable.assign(state.astype(np.uint32))


def _values(variables: list[Any]) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
