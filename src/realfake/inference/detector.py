"""A picture file in, an answer out: what the inference script and the demo share. NumPy, Pillow and a light runtime."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from realfake.core.errors import UserError
from realfake.data.images import decode, network_input, to_source_size
from realfake.inference.metadata import Description
from realfake.inference.runtimes import open_file

PREFERRED = ("model_int8.tflite", "model_dynamic.tflite", "model_fp16.tflite", "model_fp32.tflite", "model.onnx")
"""Exported files, small and fast first."""

SHIPPED = "models/cifake/model_int8.tflite"
"""In the project, learnt from CIFAKE (models/make.py)."""


@dataclass(frozen=True)
class Answer:
    """What the network makes of one picture."""

    label: str
    """REAL or FAKE."""
    probability: float
    """P(REAL) in [0, 1]."""
    given: npt.NDArray[np.uint8]
    """The picture as people see it, uint8 (H, W, 3), its longer side at most 512 pixels."""
    seen: npt.NDArray[np.uint8]
    """What the network sees before any upscaling, uint8 (S, S, 3)."""

    @property
    def confidence(self) -> float:
        """Probability of the label: P(REAL) or 1 - P(REAL)."""
        return self.probability if self.label == "REAL" else 1 - self.probability


class Detector:
    """A model file that answers for picture files; use it from one thread at a time.

    Args:
        path: a .tflite or .onnx file that this project exported.
        threads: for one answer; None leaves it to the runtime.

    Raises:
        UserError: no such file, damaged, of another kind, or without its description.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.path = path
        self._runner = open_file(path, threads)
        if self._runner.description is None:
            raise UserError(
                f"{path} does not say how to use it (threshold, sizes); `dvc repro -f export` makes it anew"
            )
        self.description: Description = self._runner.description

    def look(self, data: bytes) -> Answer:
        """Answer for one picture file.

        Raises:
            PictureError: its bytes cannot be used; the message says why, without naming the file.
        """
        image = decode(data)
        seen = to_source_size(image, self.description.source_size)
        probability = self.probabilities(seen[None])[0]
        label = self.description.labels[int(probability >= self.description.threshold)]
        image.thumbnail((512, 512))
        return Answer(label, float(probability), np.asarray(image, dtype=np.uint8), seen)

    def probabilities(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """P(REAL) of source pictures, uint8 (N, S, S, 3), as float32 (N,)."""
        return self._runner(network_input(pictures, self._runner.image_size))


def exported_model(root: Path) -> Path:
    """The smallest file of a project's last export; in a project that has trained nothing, the shipped file.

    Raises:
        UserError: there is none.
    """
    folder = root / "outputs/export/models"
    found = [folder / name for name in PREFERRED if (folder / name).is_file()]
    if not found and (root / SHIPPED).is_file() and not (root / "outputs/model").exists():
        return root / SHIPPED
    if not found:
        raise UserError(f"{folder} holds no model; `make repro` makes it, or give a file with --model")
    return found[0]
