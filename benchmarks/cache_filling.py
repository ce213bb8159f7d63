"""What limits the feature cache: filling against the bare forward pass, training on the cache against memory."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import Sandbox, measure_in_rounds

SECONDS = 6.0
"""How long a repeated operation is timed."""


def measure(archive: Path, count: int, per_class: int = 1500) -> dict[str, Any]:
    """Pictures a second of each, in one process, and the machine's matrix rate in 1e9 operations a second."""
    sandbox = Sandbox("deck", archive, "deck", {"train.weights": "none", "preprocess.max_per_class": per_class})
    prepared = sandbox.prepare()
    os.chdir(sandbox.folder)
    from realfake.core.native_output import import_keras

    import_keras()
    from realfake.config.schema import load_params
    from realfake.data.dataset import load_arrays
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network

    params = load_params(sandbox.folder / "params.yaml").train
    train, val = load_arrays(prepared, "train"), load_arrays(prepared, "val")
    network = build_network(params)
    with TrainablePart(network, params, train, val) as part:
        assert part.parts is not None
        trunk, tail = part.parts.frozen, part.parts.trainable
        batch = np.random.default_rng(0).random((64, *trunk.input_shape[1:]), dtype=np.float32)

        def fill() -> float:
            sandbox.clear_cache("trunk")
            with TrainablePart(network, params, train, val) as fresh:
                fresh.parts = part.parts  # whose forward pass is traced already
                fresh.data()
                assert fresh.use is not None
                return fresh.use.computed / fresh.use.seconds

        sandbox.clear_cache("trunk")
        data = part.data()
        assert part.use is not None
        first = part.use.computed / part.use.seconds
        step = _tail_steps(tail, data, params)
        taken = measure_in_rounds(
            count,
            {
                "matrix product, 1e9 operations/s": _matrix_rate,
                "bare forward pass, pictures/s": lambda: _rate(lambda: trunk.predict_on_batch(batch), len(batch)),
                "filling the cache, pictures/s": fill,
                **step,
            },
        )
    operations = 2e-9 * multiplications(part.parts.frozen)
    return {"taken": taken, "first_filling": first, "operations_per_picture_1e9": operations}


def multiplications(model: Any) -> int:
    """Multiply-adds of a model's convolutions and dense layers for one picture."""
    total = 0
    for layer in model._flatten_layers(include_self=False):
        if hasattr(layer, "kernel"):
            places = int(np.prod(layer.output.shape[1:-1]))
            total += places * int(np.prod(layer.kernel.shape))
    return total


def _tail_steps(tail: Any, data: Any, params: Any) -> dict[str, Callable[[], float]]:
    """The tail's training: one epoch on cached features, and on the same batch in memory over and over."""
    from realfake.training import loop

    steps = -(-len(data.train_labels) // params.batch_size)
    loop._compile(tail, params, steps)
    inputs = data.train.inputs(np.arange(params.batch_size), 0)
    labels = data.train_labels[: params.batch_size].astype(np.float32)[:, None]

    def epoch() -> float:
        started = time.perf_counter()
        loop._train_epoch(tail, data, params, 0)
        return len(data.train_labels) / (time.perf_counter() - started)

    return {
        "tail on one batch in memory, pictures/s": lambda: _rate(
            lambda: tail.train_on_batch(inputs, labels), params.batch_size
        ),
        "tail on the cache, pictures/s": epoch,
    }


def _rate(operation: Callable[[], Any], size: int) -> float:
    operation()
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        operation()
        done += size
    return done / (time.perf_counter() - started)


def _matrix_rate(side: int = 4096) -> float:
    import tensorflow as tf

    matrix = tf.random.normal((side, side))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    return _rate(lambda: product().numpy(), 1) * 2 * side**3 / 1e9
