"""Reading CIFAKE: the preprocess stage and an epoch of prepared arrays against image_dataset_from_directory."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from sandbox import PROJECT, Sandbox, measure_in_rounds

BATCH = 64


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Seconds for one pass over CIFAKE's train, and the part of a training that waits for its batches."""
    sandbox = Sandbox("native", archive, "resnet20", {"train.epochs": 1})
    prepared = sandbox.prepare()
    folder = str(sandbox.write_jpegs())
    os.chdir(sandbox.folder)
    from realfake.core.native_output import import_keras

    import_keras()
    from realfake.config.schema import AugmentationParams
    from realfake.data.augmentation import Augmenter
    from realfake.data.dataset import load_arrays
    from realfake.data.examples import PictureExamples
    from realfake.data.prefetch import Prefetched

    pictures, labels = load_arrays(prepared, "train")

    def ours(size: int, strength: float) -> float:
        varied = AugmentationParams(strength=strength, corruption=0.0, views=None)
        examples = PictureExamples(pictures, size, Augmenter(varied, 42, 32))
        order = np.random.default_rng(0).permutation(len(pictures))
        steps = -(-len(order) // BATCH)
        started = time.perf_counter()
        for _ in Prefetched(lambda step: examples.inputs(order[step * BATCH : (step + 1) * BATCH], 0), steps):
            pass
        return time.perf_counter() - started

    seconds = measure_in_rounds(
        count,
        {
            "preprocess, all of CIFAKE": lambda: sandbox.run(PROJECT / "src/preprocess.py")[0],
            "tutorial's epoch of JPEG files, 32 px": lambda: _directory_epoch(folder, 32),
            "our epoch of arrays, 32 px": lambda: ours(32, 0.0),
            "our epoch of arrays, augmented, 32 px": lambda: ours(32, 0.4),
            "tutorial's epoch of JPEG files, 128 px": lambda: _directory_epoch(folder, 128),
            "our epoch of arrays, 128 px": lambda: ours(128, 0.0),
        },
    )
    train = (pictures, labels)
    waiting = _waiting(sandbox, count, train)
    return {"pictures": len(labels), "seconds": seconds, "waiting": waiting, "at_128": _waiting_at_128(sandbox, train)}


def _directory_epoch(folder: str, size: int) -> float:
    import keras
    import tensorflow as tf

    files = keras.utils.image_dataset_from_directory(
        f"{folder}/train", label_mode="binary", image_size=(size, size), batch_size=BATCH, seed=42, verbose=False
    ).prefetch(tf.data.AUTOTUNE)
    started = time.perf_counter()
    for _ in files:
        pass
    return time.perf_counter() - started


def _waiting(sandbox: Sandbox, count: int, train: Any, some: int = 12_800) -> dict[str, list[float]]:
    """The native network's training: what it waits for batches, and its speed against one batch in memory."""
    from realfake.config.schema import load_params
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network
    from realfake.training import loop

    params = load_params(sandbox.folder / "params.yaml").train
    network = build_network(params)
    data = TrainablePart(network, params, (train[0][:some], train[1][:some]), (train[0][:64], train[1][:64])).data()
    loop._compile(network, params, some // params.batch_size)
    inputs = data.train.inputs(np.arange(params.batch_size), 0)
    labels = data.train_labels[: params.batch_size].astype(np.float32)[:, None]
    waits: list[float] = []

    def epoch() -> float:
        started = time.perf_counter()
        waits.append(loop._train_epoch(network, data, params, 0)[1])
        return some / (time.perf_counter() - started)

    def memory() -> float:
        started = time.perf_counter()
        for _ in range(some // params.batch_size):
            network.train_on_batch(inputs, labels)
        return some / (time.perf_counter() - started)

    epoch()
    waits.clear()
    taken = measure_in_rounds(
        count, {"native training, pictures/s": epoch, "native training, one batch in memory, pictures/s": memory}
    )
    return {**taken, "part of the time spent waiting": waits}


def _waiting_at_128(sandbox: Sandbox, train: Any, some: int = 640) -> float:
    """The part of an epoch that the deck's network, without a cache, waits for pictures of 128 px."""
    from realfake.config.schema import load_params
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network
    from realfake.training import loop

    deck = load_params(PROJECT / "recipes/deck.yaml").train
    params = deck.model_copy(update={"weights": "none", "cache": deck.cache.model_copy(update={"max_gb": 0.0})})
    network = build_network(params)
    data = TrainablePart(network, params, (train[0][:some], train[1][:some]), (train[0][:64], train[1][:64])).data()
    loop._compile(network, params, some // params.batch_size)
    loop._train_epoch(network, data, params, 0)
    return loop._train_epoch(network, data, params, 1)[1]
