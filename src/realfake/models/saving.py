"""Load, save and run trained networks.

Their input is float32 (N, image_size, image_size, 3) in [0, 1], their output P(REAL), float32 (N, 1).
"""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Inputs, Pictures
from realfake.core.errors import UserError, one_line
from realfake.core.files import atomic_file
from realfake.data.images import network_input
from realfake.data.prefetch import Prefetched


def predict(network: keras.Model, pictures: Pictures, batch_size: int = 256) -> npt.NDArray[np.float32]:
    """Predict P(REAL) of source pictures, batch by batch.

    Args:
        network: a network of this project.
        pictures: uint8 (N, S, S, 3) at source resolution, in memory or memory-mapped.
        batch_size: pictures per forward pass.

    Returns:
        float32 (N,) in [0, 1].
    """
    image_size = network.input_shape[1]
    return predict_batches(
        network, lambda start, stop: network_input(pictures[start:stop], image_size), len(pictures), batch_size
    )


def predict_batches(
    network: keras.Model, inputs: Callable[[int, int], Inputs], count: int, batch_size: int = 256
) -> npt.NDArray[np.float32]:
    """Predict P(REAL) of examples whose inputs are prepared while the network computes.

    Args:
        network: a network of this project.
        inputs: returns the network inputs of the examples from start up to stop.
        count: number of examples.
        batch_size: examples per forward pass.

    Returns:
        float32 (count,) in [0, 1].
    """
    probabilities = np.zeros(count, dtype=np.float32)
    starts = range(0, count, batch_size)
    batches = Prefetched(lambda place: inputs(starts[place], min(starts[place] + batch_size, count)), len(starts))
    for start, batch in zip(starts, batches, strict=True):
        outputs = keras.ops.convert_to_numpy(network.predict_on_batch(batch))
        probabilities[start : start + batch_size] = outputs[:, 0]
    return probabilities


def load_network(path: Path) -> keras.Model:
    """Load a network from a .keras file, without running code from the file (safe_mode).

    Raises:
        UserError: the file is missing, is damaged, or is not a network of this project.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing; `dvc repro train` writes it")
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many types of errors for a damaged file
        raise UserError(
            f"{path} cannot be loaded as a .keras file ({one_line(error)}); `dvc repro -f train` writes it again"
        ) from None
    if network.output_shape != (None, 1) or len(network.input_shape) != 4:
        raise UserError(
            f"{path} maps {network.input_shape} to {network.output_shape}; expected pictures to P(REAL), (None, 1)"
        )
    return network


def to_float32(network: keras.Model) -> keras.Model:
    """Copy a network with its weights; every layer of the copy computes in float32. The copy is not compiled."""
    copy = type(network).from_config(_with_float32(network.get_config()))
    copy.set_weights(network.get_weights())
    return copy


def save_network(network: keras.Model, path: Path) -> None:
    """Write a .keras file whose bytes depend on the network only.

    Keras stores the date and memory addresses in the file. They are removed, so that equal networks have equal digests.
    """
    raw = io.BytesIO()
    keras_file = path.with_name(f".{path.stem}.unnormalised.keras")
    try:
        to_float32(network).save(keras_file)  # without the optimiser
        raw.write(keras_file.read_bytes())
    finally:
        keras_file.unlink(missing_ok=True)
    with zipfile.ZipFile(raw) as source, atomic_file(path) as file, zipfile.ZipFile(file, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name.endswith(".json"):
                data = json.dumps(drop_volatile_fields(json.loads(data)), sort_keys=True).encode()
            target.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data)


def _with_float32(config: Any) -> Any:
    """Replace the bfloat16 policy in a network's configuration by float32."""
    if isinstance(config, dict):
        return {key: _with_float32(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32(value) for value in config)
    return "float32" if config == "mixed_bfloat16" else config


def drop_volatile_fields(value: Any) -> Any:
    """Return a saved configuration without the date and the memory addresses that Keras writes into it."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key != "shared_object_id"}
        return {key: "" if key == "date_saved" else drop_volatile_fields(item) for key, item in kept.items()}
    if isinstance(value, list):
        return [drop_volatile_fields(item) for item in value]
    return value
