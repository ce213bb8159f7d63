"""Exported files ready to answer, without TensorFlow: ONNX Runtime and LiteRT.

Every file takes float32 pictures (N, S, S, 3) in [0, 1] and gives P(REAL), with N free.
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
    """An exported file ready to answer; use it from one thread at a time."""

    image_size: int
    """S, the side of the input in pixels."""
    answer: Callable[[Inputs], npt.NDArray[np.float32]]
    """float32 (N, S, S, 3) in [0, 1] to float32 (N, 1)."""
    description: Description | None = None
    """What the file says of itself, if it does."""

    def __call__(self, inputs: Inputs) -> Probabilities:
        """P(REAL) of pictures, float32 (N, S, S, 3) in [0, 1] with N >= 1, as float32 (N,)."""
        return self.answer(inputs)[:, 0]


Opener = Callable[[Path, int | None], Runner]
"""From a file and a number of threads."""


def open_onnx(path: Path, threads: int | None) -> Runner:
    """An .onnx file in ONNX Runtime; what it raises for a damaged file is of many kinds."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not slow others
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pictures, probability = session.get_inputs(), session.get_outputs()
    size = _image_size(path, [pictures[0].shape, probability[0].shape], [pictures[0].type], "tensor(float)")
    name = pictures[0].name
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    description = None if text is None else Description.parse(text, path)
    return Runner(size, lambda inputs: session.run(None, {name: inputs})[0], description)


def open_litert(path: Path, threads: int | None) -> Runner:
    """A .tflite file in LiteRT; what it raises for a damaged file is of many kinds."""
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

    return Runner(size, answer, read_archived(path))


def _image_size(path: Path, shapes: list[Any], kinds: list[Any], wanted: Any) -> int:
    """The side of the input, once the file's first input and first output are of the kind this project writes."""
    pictures, probability = (list(shape) for shape in shapes)
    fits = len(pictures) == 4 and pictures[1] == pictures[2] and pictures[3] == 3 and probability[1:] == [1]
    if not fits or any(kind != wanted for kind in kinds):
        raise UserError(
            f"{path} maps {pictures} to {probability}; expected float pictures [N, S, S, 3] to one P(REAL) [N, 1]"
        )
    return int(pictures[1])


LIGHT: dict[str, Opener] = {".onnx": open_onnx, ".tflite": open_litert}
"""Openers by suffix, for who has no Keras."""


def open_file(path: Path, threads: int | None = None, openers: Mapping[str, Opener] = LIGHT) -> Runner:
    """Load an exported file into its own runtime, by its suffix.

    Args:
        path: a file written by this project.
        threads: threads for one answer; None leaves it to the runtime.
        openers: what opens which suffix.

    Raises:
        UserError: unknown suffix; missing or damaged file; not a network of this project; its runtime is not installed.
    """
    opener = openers.get(path.suffix)
    if opener is None:
        raise UserError(f"{path} has no known format; expected a file that ends in {', '.join(openers)}")
    if not path.is_file():
        raise UserError(f"{path} is missing; `dvc repro export` makes those in outputs/export/models, or name another")
    try:
        return opener(path, threads)
    except (UserError, PermissionError):
        raise
    except ModuleNotFoundError as error:
        raise UserError(f"{path.suffix} files need {error.name}: pip install {error.name}") from None
    except Exception as error:  # runtimes raise many kinds for a damaged file
        raise UserError(f"{path} cannot be loaded ({one_line(error)}); `dvc repro -f export` makes it anew") from error
