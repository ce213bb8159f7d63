"""The files a network is exported to, behind one interface: a file name, a writer and a runner for each format.

Every format takes float32 pictures (N, S, S, 3) in [0, 1] and gives P(REAL), with N free. Running ONNX and LiteRT
files needs no TensorFlow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from realfake.errors import UserError, one_line
from realfake.params_kinds import FormatName
from realfake.pixels import Inputs
from realfake.quiet import quiet
from realfake.workspace import atomic_file

if TYPE_CHECKING:
    import keras

Probabilities = npt.NDArray[np.float32]
"""float32 (N,), P(REAL) in [0, 1]."""

CALIBRATION_BATCH = 16
"""Pictures fed at once while int8 ranges are measured: a third less time than one by one, hardly more memory."""


@dataclass(frozen=True)
class Source:
    """What is exported."""

    network: "keras.Model"
    """Input float32 (None, S, S, 3) in [0, 1]; output float32 (None, 1), P(REAL)."""
    calibration: Inputs
    """Real training pictures, float32 (M, S, S, 3) in [0, 1], M >= 1, whose activations set the ranges of int8."""

    @cached_property
    def function(self) -> Any:
        """The network in inference mode as a TensorFlow function, traced once for all the writers that start from it.

        Its argument `pictures` and its result `probability_real` name the input and the output of the ONNX file.
        """
        import tensorflow as tf

        def infer(pictures: Any) -> dict[str, Any]:
            return {"probability_real": self.network(pictures, training=False)}

        signature = tf.TensorSpec(self.network.input_shape, tf.float32, name="pictures")
        return tf.function(infer, input_signature=[signature], autograph=False)


@dataclass(frozen=True)
class Runner:
    """An exported file ready to answer; use it from one thread at a time."""

    image_size: int
    """S, the side of the input in pixels."""
    answer: Callable[[Inputs], npt.NDArray[np.float32]]
    """float32 (N, S, S, 3) in [0, 1] to float32 (N, 1)."""

    def __call__(self, inputs: Inputs) -> Probabilities:
        """P(REAL) of pictures, float32 (N, S, S, 3) in [0, 1] with N >= 1, as float32 (N,)."""
        return self.answer(inputs)[:, 0]


def write_format(name: FormatName, source: Source, folder: Path) -> Path:
    """Write one format into `folder`.

    Returns:
        The file's path, named by FORMATS.

    Raises:
        UserError: the conversion failed; what the converter printed is shown before.
        OSError: the file could not be written; its file name tells the format.
    """
    path = folder / FORMATS[name].file_name
    try:
        with quiet():
            FORMATS[name].write(source, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"format {name} ({path})") from None
    except Exception as error:  # converters raise many kinds
        raise UserError(
            f"format {name} cannot be made from this network: {one_line(error)}; leave it out of export.formats"
        ) from error
    return path


def open_runner(path: Path, threads: int | None = None) -> Runner:
    """Load an exported file into its own runtime: Keras, ONNX Runtime or LiteRT, by the file's suffix.

    Args:
        path: a .keras, .onnx or .tflite file written by this project.
        threads: threads for one answer; None leaves it to the runtime. Keras takes no heed of it: TensorFlow has one
            pool for the whole process.

    Raises:
        UserError: unknown suffix; missing or damaged file; not a network of this project.
    """
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        raise UserError(f"{path} has no known format; expected a file that ends in {', '.join(_OPENERS)}")
    if not path.is_file():
        raise UserError(f"{path} is missing; `dvc repro export` makes it")
    try:
        return opener(path, threads)
    except UserError:
        raise
    except Exception as error:  # runtimes raise many kinds for a damaged file
        raise UserError(f"{path} cannot be loaded ({one_line(error)}); `dvc repro -f export` makes it anew") from error


def network_runner(network: "keras.Model") -> Runner:
    """A runner of a network that Keras holds in memory."""
    import keras

    return Runner(network.input_shape[1], lambda inputs: keras.ops.convert_to_numpy(network.predict_on_batch(inputs)))


def _write_keras(source: Source, path: Path) -> None:
    from realfake.network import save_network

    save_network(source.network, path)


def _write_onnx(source: Source, path: Path) -> None:
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(source.function, source.function.input_signature)
    model.graph.name = "realfake"  # in place of TensorFlow's numbered names, which tell how much ran before
    model.graph.doc_string = ""
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "pictures"
    with atomic_file(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def _write_litert(numbers: Literal["fp32", "fp16", "dynamic", "int8"], source: Source, path: Path) -> None:
    import tensorflow as tf

    # With the function itself as owner of its weights TensorFlow freezes the traced graph; with the network it would
    # go by way of a SavedModel on disk and take three times as long for a ResNet-20.
    function = source.function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], source.function)
    if numbers != "fp32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if numbers == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if numbers == "int8":
        converter.representative_dataset = partial(_calibration_batches, source.calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with atomic_file(path) as file:
        file.write(converter.convert())


def _calibration_batches(pictures: Inputs) -> Iterator[list[Inputs]]:
    for start in range(0, len(pictures), CALIBRATION_BATCH):
        yield [pictures[start : start + CALIBRATION_BATCH]]


def _open_keras(path: Path, threads: int | None) -> Runner:
    from realfake.network import load_network
    from realfake.quiet import import_keras

    import_keras()
    return network_runner(load_network(path))


def _open_onnx(path: Path, threads: int | None) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not slow others
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pictures, probability = session.get_inputs(), session.get_outputs()
    size = _image_size(path, [pictures[0].shape, probability[0].shape], [pictures[0].type], "tensor(float)")
    name = pictures[0].name
    return Runner(size, lambda inputs: session.run(None, {name: inputs})[0])


def _open_litert(path: Path, threads: int | None) -> Runner:
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(str(path), num_threads=threads)
        interpreter.allocate_tensors()
    pictures, probability = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    shapes = [pictures["shape_signature"], probability["shape_signature"]]
    size = _image_size(path, shapes, [pictures["dtype"], probability["dtype"]], np.float32)
    allocated = 1

    def answer(inputs: Inputs) -> npt.NDArray[np.float32]:
        nonlocal allocated
        if len(inputs) != allocated:
            interpreter.resize_tensor_input(pictures["index"], inputs.shape)
            interpreter.allocate_tensors()
            allocated = len(inputs)
        interpreter.set_tensor(pictures["index"], inputs)
        interpreter.invoke()
        result: npt.NDArray[np.float32] = interpreter.get_tensor(probability["index"])
        return result

    return Runner(size, answer)


def _image_size(path: Path, shapes: list[Any], kinds: list[Any], wanted: Any) -> int:
    """The side of the input, once the file's first input and first output are of the kind this project writes."""
    pictures, probability = (list(shape) for shape in shapes)
    fits = len(pictures) == 4 and pictures[1] == pictures[2] and pictures[3] == 3 and probability[1:] == [1]
    if not fits or any(kind != wanted for kind in kinds):
        raise UserError(
            f"{path} maps {pictures} to {probability}; expected float pictures [N, S, S, 3] to one P(REAL) [N, 1]"
        )
    return int(pictures[1])


@dataclass(frozen=True)
class Format:
    """How a format's file is called and written."""

    file_name: str
    write: Callable[[Source, Path], None]


FORMATS: dict[FormatName, Format] = {
    "keras": Format("model.keras", _write_keras),
    "onnx": Format("model.onnx", _write_onnx),
    "litert_fp32": Format("model_fp32.tflite", partial(_write_litert, "fp32")),
    "litert_fp16": Format("model_fp16.tflite", partial(_write_litert, "fp16")),
    "litert_dynamic": Format("model_dynamic.tflite", partial(_write_litert, "dynamic")),
    "litert_int8": Format("model_int8.tflite", partial(_write_litert, "int8")),
}
"""Every format by its name in params.yaml. All take and give float32; inside, fp16 and dynamic store smaller weights,
int8 computes in 8 bits throughout (Jacob et al. 2018)."""

_OPENERS = {".keras": _open_keras, ".onnx": _open_onnx, ".tflite": _open_litert}
