"""A pretrained backbone of our own, where ImageNet weights cannot be had: ResNet-20 trained on CIFAR's classes.

Like ImageNet's, its weights come from naming objects in photographs: the REAL pictures of CIFAKE's train that the
sandbox itself does not use. No label of REAL or FAKE goes into them. `weights` makes them once a sandbox.
"""

import os
from pathlib import Path

import numpy as np
from sandbox import Sandbox

EPOCHS, BATCH = 4, 64


def weights(sandbox: Sandbox) -> Path:
    """The backbone's weights as a .weights.h5 file; trained when it is not there (some minutes)."""
    path = sandbox.folder / "resnet20.weights.h5"
    if path.is_file():
        return path
    from realfake.data.dataset import read_manifest

    used = {row.sha256 for row in read_manifest(sandbox.prepare())}
    everything = Sandbox("native", sandbox.archive, "resnet20", {"train.epochs": 1}).prepare()
    os.chdir(sandbox.folder)
    import keras

    from realfake.config.schema import AugmentationParams, load_params
    from realfake.data.augmentation import Augmenter
    from realfake.data.dataset import CIFAR_CLASSES, load_split
    from realfake.data.examples import PictureExamples
    from realfake.data.prefetch import Prefetched
    from realfake.models.builder import build_network

    params = load_params(sandbox.folder / "params.yaml").train
    split = load_split(everything, "train")
    real = np.array([place for place, row in enumerate(split.rows) if row.label == 1 and row.sha256 not in used])
    names = np.array([CIFAR_CLASSES.index(split.rows[place].cifar_class) for place in real])
    augment = Augmenter(AugmentationParams(strength=0.4, corruption=0.0, views=None), 0, 32)
    examples = PictureExamples(split.pictures[real], params.image_size, augment)
    plain = params.model_copy(update={"weights": "none", "weights_sha256": None, "unfreeze": "all"})
    backbone = build_network(plain).get_layer("backbone")
    pictures = keras.Input((params.image_size, params.image_size, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(backbone(pictures))
    network = keras.Model(pictures, keras.layers.Dense(len(CIFAR_CLASSES))(pooled))
    steps = len(real) // BATCH
    schedule = keras.optimizers.schedules.CosineDecay(0.0, EPOCHS * steps, warmup_target=3e-3, warmup_steps=steps // 2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01), loss, metrics=["accuracy"], jit_compile=False)
    for epoch in range(EPOCHS):
        order = np.random.default_rng(epoch).permutation(len(real))

        def batch(step: int, order: np.ndarray = order, epoch: int = epoch) -> tuple[np.ndarray, np.ndarray]:
            chosen = order[step * BATCH : (step + 1) * BATCH]
            return examples.inputs(chosen, epoch), names[chosen]

        right = [network.train_on_batch(*made)[1] for made in Prefetched(batch, steps)]
        print(f"  pretext epoch {epoch + 1}/{EPOCHS}: names the class of {np.mean(right):.1%}", flush=True)
    backbone.save_weights(path)
    return path
