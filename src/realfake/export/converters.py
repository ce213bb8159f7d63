"""Write a network to every export format, and run the files.

Every format takes pictures, float32 (N, S, S, 3) in [0, 1], for any N, and gives P(REAL). ONNX and LiteRT files run
without TensorFlow.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from realfake.config.kinds import FormatName
from realfake.core.arrays import Inputs
from realfake.core.errors import UserError, one_line
from realfake.core.files import atomic_file, sha256_file
from realfake.core.native_output import quiet
from realfake.evaluation.results import Decision, EvaluationScores
from realfake.inference.metadata import Description, attach, read_archived
from realfake.inference.runtimes import LIGHT_OPENERS, Runner, open_file
from realfake.training.training_record import TrainingRecord

if TYPE_CHECKING:
    import keras

CALIBRATION_BATCH = 16
"""Pictures per batch while int8 ranges are measured: a third less time than one by one, hardly more memory."""


@dataclass(frozen=True)
class ExportSource:
    """Hold what every format is written from."""

    network: "keras.Model"
    """The network, from float32 (None, S, S, 3) in [0, 1] to P(REAL), float32 (None, 1)."""
    calibration: Inputs
    """Training pictures, float32 (M, S, S, 3) in [0, 1], M >= 1, whose activations set the ranges of int8."""
    description: Description
    """Metadata to attach to every file."""

    @cached_property
    def function(self) -> Any:
        """Return the network in inference mode as a TensorFlow function, traced once for all formats.

        Its argument `pictures` and its result `probability_real` name the input and the output of the ONNX file.
        """
        import tensorflow as tf

        def infer(pictures: Any) -> dict[str, Any]:
            return {"probability_real": self.network(pictures, training=False)}

        signature = tf.TensorSpec(self.network.input_shape, tf.float32, name="pictures")
        return tf.function(infer, input_signature=[signature], autograph=False)


def describe(model: Path, evaluation: Path, image_size: int) -> Description:
    """Return the metadata of a trained network.

    Args:
        model: the folder that train wrote.
        evaluation: the folder that evaluate wrote.
        image_size: side of the network's input in pixels.

    Raises:
        UserError: a file is missing or damaged.
    """
    training = TrainingRecord.read(model)
    scores = EvaluationScores.read(evaluation)
    ends = {"accuracy_ci_low": scores.low.accuracy, "accuracy_ci_high": scores.high.accuracy}
    return Description(
        source_size=training.source_size,
        image_size=image_size,
        threshold=Decision.read(evaluation).threshold,
        data_digest=training.data_digest,
        model_sha256=sha256_file(model / "model.keras"),
        figures=asdict(scores.test) | ends,
    )


def write_format(name: FormatName, source: ExportSource, folder: Path) -> Path:
    """Write one format into `folder` and return the file's path.

    Raises:
        UserError: the conversion failed; the converter's output is printed before.
        OSError: the file cannot be written; the error's file name includes the format.
    """
    path = folder / FORMATS[name].file_name
    try:
        with quiet():
            FORMATS[name].write(source, path)
            attach(path, source.description)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"format {name} ({path})") from None
    except Exception as error:  # each converter raises its own exceptions
        raise UserError(
            f"this network cannot be converted to format {name}: {one_line(error)}; leave it out of export.formats"
        ) from error
    return path


def open_runner(path: Path, threads: int | None = None) -> Runner:
    """Load an exported file into the runtime of its suffix: Keras, ONNX Runtime or LiteRT.

    Args:
        path: a .keras, .onnx or .tflite file written by this project.
        threads: number of threads; None for the runtime's default. Keras ignores it, because TensorFlow has one
            thread pool per process.

    Raises:
        UserError: the suffix is unknown, the file is missing or damaged, or it is not a network of this project.
    """
    return open_file(path, threads, _OPENERS)


def network_runner(network: "keras.Model") -> Runner:
    """Return a runner of a Keras network in memory."""
    import keras

    return Runner(network.input_shape[1], lambda inputs: keras.ops.convert_to_numpy(network.predict_on_batch(inputs)))


def _write_keras(source: ExportSource, path: Path) -> None:
    from realfake.models.saving import save_network

    save_network(source.network, path)


def _write_onnx(source: ExportSource, path: Path) -> None:
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(source.function, source.function.input_signature)
    model.graph.name = "realfake"  # TensorFlow's names have numbers that differ between runs
    model.graph.doc_string = ""
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "pictures"
    with atomic_file(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def _write_litert(numbers: Literal["fp32", "fp16", "dynamic", "int8"], source: ExportSource, path: Path) -> None:
    import tensorflow as tf

    # Given the function as owner of the weights, TensorFlow freezes the traced graph. Given the network, it would write
    # a SavedModel first, which takes three times as long for a ResNet-20.
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
    from realfake.core.native_output import import_keras
    from realfake.models.saving import load_network

    import_keras()
    return replace(network_runner(load_network(path)), description=read_archived(path))


@dataclass(frozen=True)
class Format:
    """Define a format."""

    file_name: str
    """Name of the format's file."""
    write: Callable[[ExportSource, Path], None]
    """Function that writes the file."""


FORMATS: dict[FormatName, Format] = {
    "keras": Format("model.keras", _write_keras),
    "onnx": Format("model.onnx", _write_onnx),
    "litert_fp32": Format("model_fp32.tflite", partial(_write_litert, "fp32")),
    "litert_fp16": Format("model_fp16.tflite", partial(_write_litert, "fp16")),
    "litert_dynamic": Format("model_dynamic.tflite", partial(_write_litert, "dynamic")),
    "litert_int8": Format("model_int8.tflite", partial(_write_litert, "int8")),
}
"""Formats by their names in params.yaml. All have float32 inputs and outputs; fp16 and dynamic store smaller weights,
int8 computes in 8 bits throughout (Jacob et al. 2018)."""

_OPENERS = {".keras": _open_keras, **LIGHT_OPENERS}
"""Function that loads a file, by suffix."""
