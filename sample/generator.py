"""The generator of the FAKE half: a small generative adversarial network (Goodfellow et al. 2014) at 32x32.

A DCGAN (Radford et al. 2016) that upscales and convolves, so that no checkerboard gives it away (Odena et al. 2016),
with noise at every scale for the grain of photographs (Karras et al. 2019); hinge loss with spectral normalisation
(Miyato et al. 2018); a minibatch standard deviation against collapsed modes (Karras et al. 2018); samples come from a
moving average of the weights (Yazici et al. 2019). Every random draw is a function of the seed and the step: a resumed
training equals an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from crops import SIZE, Pictures
from numpy.typing import NDArray
from photographs import SampleError

SEEDS = 128  # numbers that decide what a picture shows
NOISE = SEEDS + SIZE * SIZE  # and one more for each pixel: its grain
BATCH = 32
RATES = {"forger": 2e-4, "judge": 4e-4}  # Adam's: the judge learns faster (Heusel et al. 2017)
DECAY = 0.998  # of the moving average of the generator's weights
SAVE_EVERY = 250  # steps: what a kill loses at most
GENERATOR_CHANNELS = (160, 80, 40, 20)  # at 4, 8, 16 and 32 pixels
DISCRIMINATOR_CHANNELS = (20, 40, 80, 160)  # at 32, 16, 8 and 4 pixels


def generator() -> Any:
    """Noise float32 (N, NOISE) -> pictures float32 (N, 32, 32, 3) in [-1, 1]."""
    from keras import Input, Model, layers, ops

    def mirror(x: Any) -> Any:
        """Continue the maps one pixel over each edge: zeros there would leave a frame in every picture."""
        return ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")

    def convolve(x: Any, channels: int, activation: str | None = None) -> Any:
        return layers.Conv2D(channels, 3, activation=activation)(layers.Lambda(mirror)(x))

    first, *others = GENERATOR_CHANNELS
    noise = Input((NOISE,))
    grain = layers.Reshape((SIZE, SIZE, 1))(noise[:, SEEDS:])
    x = layers.Reshape((4, 4, first))(layers.Dense(4 * 4 * first)(noise[:, :SEEDS]))
    for channels in others:
        x = layers.UpSampling2D()(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
        stride = SIZE // x.shape[1]
        x = convolve(layers.Concatenate()([x, grain[:, ::stride, ::stride]]), channels)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return Model(noise, convolve(x, 3, "tanh"))


def discriminator() -> Any:
    """Pictures float32 (N, 32, 32, 3) in [-1, 1] -> scores float32 (N, 1), higher for photographs."""
    from keras import Input, Model, layers, ops

    def spread(x: Any) -> Any:
        """Append the batch's mean standard deviation as one constant channel: (N, H, W, C) -> (N, H, W, C + 1)."""
        deviation = ops.mean(ops.sqrt(ops.var(x, axis=0) + 1e-8))
        return ops.concatenate([x, ops.ones_like(x[..., :1]) * deviation], axis=-1)

    first, *others = DISCRIMINATOR_CHANNELS
    pictures = Input((SIZE, SIZE, 3))
    x = layers.SpectralNormalization(layers.Conv2D(first, 3, padding="same"))(pictures)
    for channels in others:
        x = layers.LeakyReLU(0.1)(x)
        x = layers.SpectralNormalization(layers.Conv2D(channels, 4, strides=2, padding="same"))(x)
    x = layers.Flatten()(layers.Lambda(spread)(layers.LeakyReLU(0.1)(x)))
    return Model(pictures, layers.SpectralNormalization(layers.Dense(1))(x))


def train(pictures: Pictures, steps: int, seed: int, folder: Path) -> Any:
    """Train on photographs' crops and return the averaged generator; goes on from the last checkpoint in `folder`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import tensorflow as tf
    from tqdm import tqdm

    keras.utils.set_random_seed(seed)
    forger, average, judge = generator(), generator(), discriminator()
    optimizers = [keras.optimizers.Adam(rate, beta_1=0.5) for rate in RATES.values()]
    for optimizer, network in zip(optimizers, (forger, judge), strict=True):
        optimizer.build(network.trainable_variables)
    done = tf.Variable(0, dtype=tf.int64)
    state = tf.train.Checkpoint(
        forger=forger, average=average, judge=judge, forging=optimizers[0], judging=optimizers[1], done=done
    )
    manager = tf.train.CheckpointManager(state, folder / identity(pictures, seed), max_to_keep=1)
    manager.restore_or_initialize()
    if int(done) > steps:
        raise SampleError(f"{manager.directory} holds a training of {int(done)} steps: delete it to train for {steps}")

    def loss_of_judge(real: Any, noise: Any) -> Any:
        return tf.reduce_mean(tf.nn.relu(1.0 - judge(real, training=True))) + tf.reduce_mean(
            tf.nn.relu(1.0 + judge(forger(noise, training=True), training=True))
        )

    def loss_of_forger(noise: Any) -> Any:
        return -tf.reduce_mean(judge(forger(noise, training=True), training=True))

    def step(batch: Any, noise: Any) -> tuple[Any, Any]:
        losses = []
        for loss, arguments, network, optimizer in (
            (loss_of_judge, (tf.cast(batch, tf.float32) / 127.5 - 1.0, noise[0]), judge, optimizers[1]),
            (loss_of_forger, (noise[1],), forger, optimizers[0]),
        ):
            with tf.GradientTape() as tape:
                losses.append(loss(*arguments))
            optimizer.apply(tape.gradient(losses[-1], network.trainable_variables), network.trainable_variables)
        past = tf.minimum(DECAY, (1.0 + tf.cast(done, tf.float32)) / (10.0 + tf.cast(done, tf.float32)))
        for mean, weight in zip(average.variables, forger.variables, strict=True):
            mean.assign(past * mean.value + (1.0 - past) * weight.value)
        done.assign_add(1)
        return losses[0], losses[1]

    fast_step = tf.function(step)
    with tqdm(total=steps, initial=int(done), desc="  generator", unit="step", smoothing=0.1) as bar:
        for number in range(int(done), steps):
            rng = np.random.default_rng([seed, number])
            batch = pictures[rng.integers(0, len(pictures), BATCH)]
            losses = fast_step(batch, rng.standard_normal((2, BATCH, NOISE), dtype=np.float32))
            bar.update()
            if (number + 1) % SAVE_EVERY == 0 or number + 1 == steps:
                bar.set_postfix_str("judge {:.3f}, forger {:.3f}".format(*(float(loss) for loss in losses)))
                manager.save()
    return average


def sample(network: Any, count: int, seed: tuple[int, ...]) -> Pictures:
    """Draw pictures from noise: uint8 (count, 32, 32, 3)."""
    noise = np.random.default_rng(seed).standard_normal((count, NOISE), dtype=np.float32)
    pictures: NDArray[np.float32] = network.predict(noise, batch_size=256, verbose=0)
    return np.round((pictures + 1.0) * 127.5).clip(0, 255).astype(np.uint8)


def identity(pictures: Pictures, seed: int) -> str:
    """Name of a training's checkpoints: other pictures, another seed or other settings start anew."""
    digest = hashlib.sha256(pictures.tobytes())
    digest.update(repr((seed, NOISE, BATCH, RATES, DECAY, GENERATOR_CHANNELS, DISCRIMINATOR_CHANNELS)).encode())
    return f"generator-{digest.hexdigest()[:12]}"
