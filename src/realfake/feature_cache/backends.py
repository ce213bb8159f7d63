"""Run the frozen layers in TensorFlow, ONNX Runtime or OpenVINO.

The trainable layers need TensorFlow. The frozen layers run in inference mode only, in which the other runtimes are
faster for large convolutions: they fold BatchNormalization into them, and can compute in bfloat16 or in 8 bits
(Jacob et al. 2018), at a loss of precision. For the small native networks they are not faster.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from realfake.config.kinds import RuntimeName
from realfake.core.arrays import Inputs
from realfake.core.environment import thread_count
from realfake.core.errors import UserError
from realfake.core.native_output import quiet

if TYPE_CHECKING:
    import keras

Forward = Callable[[Inputs], npt.NDArray[np.float32]]
"""A function from network inputs, float32 (N, S, S, 3) in [0, 1], to features, float32 (N, ...)."""

CALIBRATION_BATCH = 16
"""Pictures per batch while the ranges of int8 are measured."""


def open_runtime(name: RuntimeName, frozen: "keras.Model", calibration: Inputs | None) -> Forward:
    """Load the frozen layers into a runtime and return the function that computes them.

    Args:
        name: the value of train.cache.runtime.
        frozen: the frozen part of a network.
        calibration: training pictures whose activations set the ranges of int8, float32 (M, S, S, 3); None for
            runtimes that compute in floating point.

    Raises:
        UserError: the runtime's package is not installed.
    """
    if name == "tensorflow":
        return lambda inputs: _as_array(frozen.predict_on_batch(inputs))
    runtime_versions(name)
    with TemporaryDirectory() as folder, quiet():
        path = _write_onnx(frozen, Path(folder, "frozen.onnx"))
        if calibration is not None:
            path = _quantize(path, calibration)
        return _open_onnxruntime(path) if name.startswith("onnxruntime") else _open_openvino(path, name)


def runtime_versions(name: RuntimeName) -> list[str]:
    """Return "NAME VERSION" of every package that a runtime uses to convert, quantize and compute.

    Raises:
        UserError: a package is not installed.
    """
    package = name.partition("_")[0]
    helpers = {"tensorflow": [], "onnxruntime": ["tf2onnx"], "openvino": ["tf2onnx", "onnxruntime"]}[package]
    try:
        return [f"{needed} {version(needed)}" for needed in (package, *helpers)]
    except PackageNotFoundError:
        raise UserError(
            f"train.cache.runtime is {name}, but {package} is not installed; `.venv/bin/pip install {package}`, or "
            "set train.cache.runtime: tensorflow"
        ) from None


def _write_onnx(frozen: "keras.Model", path: Path) -> Path:
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec(frozen.input_shape, tf.float32, name="pictures")]
    function = tf.function(lambda pictures: frozen(pictures, training=False), signature, autograph=False)
    tf2onnx.convert.from_function(function, signature, output_path=str(path))
    return path


def _quantize(path: Path, pictures: Inputs) -> Path:
    """Quantize an ONNX model statically: weights to int8 per channel, activations to uint8, as VNNI instructions need.

    Returns:
        The path of the quantized model, in the same folder.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = _batches(pictures)

        def get_next(self) -> dict[str, Inputs] | None:
            return next(self._batches, None)

    prepared, quantized = path.with_name("prepared.onnx"), path.with_name("int8.onnx")
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    quantization.quantize_static(
        prepared,
        quantized,
        Reader(),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    return quantized


def _batches(pictures: Inputs) -> Iterator[dict[str, Inputs]]:
    for start in range(0, len(pictures), CALIBRATION_BATCH):
        yield {"pictures": pictures[start : start + CALIBRATION_BATCH]}


def _open_onnxruntime(path: Path) -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = thread_count()
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda inputs: _as_array(session.run(None, {"pictures": inputs})[0])


def _open_openvino(path: Path, name: RuntimeName) -> Forward:
    import openvino

    hints: dict[str, Any] = {"INFERENCE_NUM_THREADS": thread_count()}
    hints["INFERENCE_PRECISION_HINT"] = "bf16" if name == "openvino_bf16" else "f32"
    request = openvino.Core().compile_model(openvino.Core().read_model(path), "CPU", hints).create_infer_request()
    return lambda inputs: np.array(request.infer([inputs])[0])


def _as_array(outputs: Any) -> npt.NDArray[np.float32]:
    return np.asarray(outputs, dtype=np.float32)
