"""The frozen part of the deck's ResNet50 in each of train.cache.runtime: speed, distance from TensorFlow."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from deck_recipe import CHANGES
from sandbox import PROJECT, Sandbox, measure_in_rounds
from transfer import RUNTIMES

BATCH, BATCHES = 64, 8


def measure(archive: Path, count: int, per_class: int = 1500) -> dict[str, Any]:
    """Pictures a second, mean |difference| of features in parts of their mean size, seconds of a whole `train`.

    The weights are random (ImageNet's cannot be had here), with BatchNormalization's statistics set by real pictures.
    """
    sandbox = Sandbox("deck", archive, "deck", {"train.weights": "none", "preprocess.max_per_class": per_class})
    prepared = sandbox.prepare()
    os.chdir(sandbox.folder)
    from realfake.core.native_output import import_keras

    import_keras()
    from realfake.config.schema import load_params
    from realfake.data.dataset import load_arrays
    from realfake.data.images import network_input
    from realfake.feature_cache.backends import open_runtime
    from realfake.feature_cache.partition import partition_network
    from realfake.models.builder import build_network

    params = load_params(sandbox.folder / "params.yaml").train
    pictures, _ = load_arrays(prepared, "train")
    inputs = network_input(pictures[: BATCH * BATCHES], params.image_size)
    network = build_network(params)
    set_statistics(network.get_layer("backbone"), inputs[: BATCH * 2])
    parts = partition_network(network, params)
    assert parts is not None
    forwards = {
        name: open_runtime(name, parts.frozen, inputs[-128:] if name.endswith("_int8") else None) for name in RUNTIMES
    }
    reference = forwards["tensorflow"](inputs[:BATCH])
    errors = {
        name: float(np.abs(forward(inputs[:BATCH]) - reference).mean() / np.abs(reference).mean())
        for name, forward in forwards.items()
    }

    def rate(name: str) -> float:
        started = time.perf_counter()
        for place in range(BATCHES):
            forwards[name](inputs[place * BATCH : (place + 1) * BATCH])
        return len(inputs) / (time.perf_counter() - started)

    def train(name: str) -> float:
        sandbox.set_params(CHANGES | {"preprocess.max_per_class": per_class, "train.cache.runtime": name})
        sandbox.clear_cache("checkpoints", "trunk")
        return sandbox.run(PROJECT / "src/train.py")[0]

    speed = measure_in_rounds(count, {name: lambda name=name: rate(name) for name in RUNTIMES})
    whole = measure_in_rounds(1, {name: lambda name=name: train(name) for name in RUNTIMES})
    return {"pictures_per_second": speed, "relative_error": errors, "train_seconds": whole}


def set_statistics(backbone: Any, inputs: Any) -> None:
    """Give every BatchNormalization the statistics of real pictures; with the initial ones activations fade away."""
    import keras

    norms = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    was = [layer.trainable for layer in norms]
    for layer in norms:
        layer.trainable, layer.momentum = True, 0.0
    backbone(inputs, training=True)
    for layer, trainable in zip(norms, was, strict=True):
        layer.trainable, layer.momentum = trainable, 0.99
