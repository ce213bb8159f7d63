"""How hard is a sample? `python sample/difficulty.py sample.tar.gz` prints two figures, test accuracy of both:

- logistic regression on each picture's mean and standard deviation of R, G and B: what colours alone give away;
- a small convolutional network, trained for about a minute a seed: what looking gives.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from crops import Pictures
from numpy.typing import NDArray
from PIL import Image

Labels = NDArray[np.uint8]
"""FAKE = 0, REAL = 1, uint8 (N,)."""

EPOCHS = 12
BATCH = 64
RATE = 2e-3


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("?", maxsplit=1)[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="trainings of the network (default 3)")
    arguments = parser.parse_args()
    try:
        train, test = read(arguments.archive, "train"), read(arguments.archive, "test")
    except (OSError, tarfile.TarError, ValueError) as error:
        print(f"error: {arguments.archive}: {error}", file=sys.stderr)
        return 1
    print(f"colours alone: {100 * colours(train, test):.1f} %", flush=True)
    scores = []
    for seed in range(arguments.seeds):
        scores.append(100 * looking(train, test, seed))
        print(f"network, seed {seed}: {scores[-1]:.1f} %", flush=True)
    if scores:
        print(f"network: {np.mean(scores):.1f} % +- {np.std(scores):.1f}")
    return 0


def read(archive: Path, split: str) -> tuple[Pictures, Labels]:
    """The pictures uint8 (N, 32, 32, 3) and labels uint8 (N,) of one split."""
    pictures, labels = [], []
    with tarfile.open(archive) as members:
        for member in members:
            if member.name.startswith(f"{split}/") and (contents := members.extractfile(member)):
                pictures.append(np.asarray(Image.open(io.BytesIO(contents.read())).convert("RGB")))
                labels.append(member.name.split("/")[1] == "REAL")
    if not pictures:
        raise ValueError(f"no pictures under {split}/")
    return np.stack(pictures), np.array(labels, dtype=np.uint8)


def colours(train: tuple[Pictures, Labels], test: tuple[Pictures, Labels]) -> float:
    """Test accuracy of logistic regression on six standardised features a picture."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    def features(pictures: Pictures) -> NDArray[np.float64]:
        return np.concatenate([pictures.mean(axis=(1, 2)), pictures.std(axis=(1, 2))], axis=1)

    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(features(train[0]), train[1])
    return float(model.score(features(test[0]), test[1]))


def looking(train: tuple[Pictures, Labels], test: tuple[Pictures, Labels], seed: int) -> float:
    """Test accuracy of the network after EPOCHS epochs, without choosing among them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    keras.utils.set_random_seed(seed)
    model = network()
    steps = EPOCHS * -(-len(train[0]) // BATCH)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(RATE, steps)),
        "binary_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.fit(*train, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return float(model.evaluate(*test, batch_size=256, verbose=0)[1])


def network() -> Any:
    """A plain convolutional network of 0.14 million weights: uint8 (N, 32, 32, 3) -> P(REAL), float32 (N, 1)."""
    from keras import Input, Model, layers

    pictures = Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(pictures)
    x = layers.RandomFlip("horizontal")(x)
    for channels, stride in ((32, 1), (32, 1), (64, 2), (64, 1), (128, 2)):
        x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return Model(pictures, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(x)))


if __name__ == "__main__":
    sys.exit(main())
