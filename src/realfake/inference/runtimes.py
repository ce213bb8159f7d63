"""Run exported files without TensorFlow, in ONNX Runtime and LiteRT.

Every file maps float32 pictures (N, S, S, 3) in [0, 1] to P(REAL), for any N.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Inputs, Probabilities
from realfake.core.errors import UserError, one_line
from realfake.core.native_output import quiet
from realfake.inference.metadata import KEY, Description, read_archived


@dataclass(frozen=True)
class Runner:
    """A loaded model file that predicts P(REAL); not thread-safe."""

    image_size: int
    """Side S of the input in pixels."""
    forward: Callable[[Inputs], npt.NDArray[np.float32]]
    """Maps float32 (N, S, S, 3) in [0, 1] to float32 (N, 1)."""
    description: Description | None = None
    """The file's metadata; None if it has none."""

    def __call__(self, inputs: Inputs) -> Probabilities:
        """Predict P(REAL), float32 (N,), of pictures, float32 (N, S, S, 3) in [0, 1] with N >= 1."""
        return self.forward(inputs)[:, 0]


Opener = Callable[[Path, int | None], Runner]
"""Loads a file, to be run with a number of threads (None: the runtime's choice)."""


def open_onnx(path: Path, threads: int | None) -> Runner:
    """Load an .onnx file into ONNX Runtime; a damaged file raises errors of many types."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # idle threads must not slow down other processes
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pictures, probability = session.get_inputs(), session.get_outputs()
    size = _image_size(path, [pictures[0].shape, probability[0].shape], [pictures[0].type], "tensor(float)")
    name = pictures[0].name
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    description = None if text is None else Description.from_json(text, path)
    return Runner(size, lambda inputs: session.run(None, {name: inputs})[0], description)


def open_litert(path: Path, threads: int | None) -> Runner:
    """Load a .tflite file into LiteRT; a damaged file raises errors of many types."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(str(path), num_threads=threads)
        interpreter.allocate_tensors()
    pictures, probability = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    shapes = [pictures["shape_signature"], probability["shape_signature"]]
    size = _image_size(path, shapes, [pictures["dtype"], probability["dtype"]], np.float32)
    allocated = 1

    def forward(inputs: Inputs) -> npt.NDArray[np.float32]:
        nonlocal allocated
        if len(inputs) != allocated:
            interpreter.resize_tensor_input(pictures["index"], inputs.shape)
            interpreter.allocate_tensors()
            allocated = len(inputs)
        interpreter.set_tensor(pictures["index"], inputs)
        interpreter.invoke()
        result: npt.NDArray[np.float32] = interpreter.get_tensor(probability["index"])
        return result

    return Runner(size, forward, read_archived(path))


def _image_size(path: Path, shapes: list[Any], kinds: list[Any], wanted: Any) -> int:
    """Return the side of the input, after checking that input and output are those of a network of this project.

    Args:
        path: the file, for the error message.
        shapes: of the first input and the first output.
        kinds: element types of both.
        wanted: the element type that both must have.
    """
    pictures, probability = (list(shape) for shape in shapes)
    fits = len(pictures) == 4 and pictures[1] == pictures[2] and pictures[3] == 3 and probability[1:] == [1]
    if not fits or any(kind != wanted for kind in kinds):
        raise UserError(
            f"{path} maps {pictures} to {probability}; expected float pictures [N, S, S, 3] to P(REAL) [N, 1]"
        )
    return int(pictures[1])


LIGHT_OPENERS: dict[str, Opener] = {".onnx": open_onnx, ".tflite": open_litert}
"""Functions that load a file, by suffix, for environments without Keras."""


def open_file(path: Path, threads: int | None = None, openers: Mapping[str, Opener] = LIGHT_OPENERS) -> Runner:
    """Load an exported file into the runtime of its suffix.

    Args:
        path: a file written by this project.
        threads: threads per prediction; None leaves the number to the runtime.
        openers: functions that load a file, by suffix.

    Raises:
        UserError: the suffix is unknown, the file is missing, damaged or not a network of this project, or its runtime
            is not installed.
    """
    opener = openers.get(path.suffix)
    if opener is None:
        raise UserError(f"{path} has an unknown format; expected a file that ends in {', '.join(openers)}")
    if not path.is_file():
        raise UserError(f"{path} is missing; `dvc repro export` writes outputs/export/models, or name another file")
    try:
        return opener(path, threads)
    except (UserError, PermissionError):
        raise
    except ModuleNotFoundError as error:
        raise UserError(f"{path.suffix} files need {error.name}: pip install {error.name}") from None
    except Exception as error:  # runtimes raise many types of errors for a damaged file
        raise UserError(
            f"{path} cannot be loaded ({one_line(error)}); `dvc repro -f export` writes it again"
        ) from error
