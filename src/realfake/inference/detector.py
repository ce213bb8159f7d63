"""Classify picture files with an exported model file; shared by the inference script, the demo and the benchmarks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from realfake.core.errors import UserError
from realfake.data.images import decode, network_input, to_source_size
from realfake.inference.metadata import Description
from realfake.inference.runtimes import open_file

PREFERRED = ("model_int8.tflite", "model_dynamic.tflite", "model_fp16.tflite", "model_fp32.tflite", "model.onnx")
"""Names of exported files, the smallest and fastest first."""

SHIPPED = "models/cifake/model_int8.tflite"
"""The shipped model file within the project, trained on CIFAKE by models/make.py."""


@dataclass(frozen=True)
class Classification:
    """The result for one picture."""

    label: str
    """REAL or FAKE."""
    probability: float
    """P(REAL) in [0, 1]."""
    thumbnail: npt.NDArray[np.uint8]
    """The upright picture, uint8 (H, W, 3), its longer side at most 512 pixels."""
    resized: npt.NDArray[np.uint8]
    """The picture at source resolution, before it is enlarged to the network's input, uint8 (S, S, 3)."""

    @property
    def confidence(self) -> float:
        """The probability of the label: P(REAL) or 1 - P(REAL), in [0, 1]."""
        return self.probability if self.label == "REAL" else 1 - self.probability


class Detector:
    """A model file that classifies picture files; not thread-safe.

    Args:
        path: a .tflite or .onnx file that this project exported.
        threads: threads per prediction; None leaves the number to the runtime.

    Raises:
        UserError: the file is missing, damaged, not a model of this project, or lacks its metadata.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.path = path
        self._runner = open_file(path, threads)
        if self._runner.description is None:
            raise UserError(f"{path} has no metadata (threshold, sizes); `dvc repro -f export` writes it again")
        self.description: Description = self._runner.description

    def classify(self, data: bytes) -> Classification:
        """Classify one picture.

        Args:
            data: the bytes of a picture file.

        Raises:
            PictureError: the bytes cannot be used; the message says why, without naming a file.
        """
        image = decode(data)
        resized = to_source_size(image, self.description.source_size)
        probability = self.predict(resized[None])[0]
        label = self.description.labels[int(probability >= self.description.threshold)]
        image.thumbnail((512, 512))
        return Classification(label, float(probability), np.asarray(image, dtype=np.uint8), resized)

    def predict(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Predict P(REAL), float32 (N,), of pictures at source resolution, uint8 (N, S, S, 3)."""
        return self._runner(network_input(pictures, self._runner.image_size))


def default_model(root: Path) -> Path:
    """Find the model file to use in a project: the first of PREFERRED that the last export wrote, else the shipped one.

    The shipped file is used only where no network has been trained.

    Raises:
        UserError: there is no such file.
    """
    folder = root / "outputs/export/models"
    found = [folder / name for name in PREFERRED if (folder / name).is_file()]
    if not found and (root / SHIPPED).is_file() and not (root / "outputs/model").exists():
        return root / SHIPPED
    if not found:
        raise UserError(f"{folder} holds no model; run `make repro`, or give a file with --model")
    return found[0]
