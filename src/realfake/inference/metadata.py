"""What a model file says of itself, so that a file found on its own can be used rightly. Standard library only to read.

In .tflite and .keras files it is a zip member `realfake.json`: LiteRT reads a file up to where an appended archive
begins (TensorFlow Lite Metadata packs its files so), and .keras files are archives. In .onnx files it is a metadata
property. No run id stands in it, so that exporting twice gives the same bytes: MLflow finds the run by its tag
`model_sha256`.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.errors import UserError

KEY = "realfake.json"
LABELS = ("FAKE", "REAL")


@dataclass(frozen=True)
class Description:
    """How to use a model file, and where it comes from."""

    source_size: int
    """S: a picture is first brought to S x S pixels (central square, Lanczos)."""
    image_size: int
    """Side of the input in pixels, at least S; upscaled bilinear, half-pixel centres."""
    threshold: float
    """P(REAL) from which on a picture is called REAL."""
    data_digest: str
    """Content digest of the pictures it learnt from."""
    model_sha256: str
    """Of the .keras file that training wrote; a tag of its MLflow run."""
    figures: Mapping[str, float]
    """Scores of the network on the test pictures, accuracy with its 95 % interval."""
    labels: tuple[str, str] = LABELS
    input: str = "float32 (N, image_size, image_size, 3), RGB, [0, 1]"
    output: str = "float32 (N, 1), P(REAL)"

    def text(self) -> str:
        """As JSON, the same text every time."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str | bytes, path: Path) -> "Description":
        """From its JSON.

        Raises:
            UserError: it is none.
        """
        try:
            found = json.loads(text)
            return cls(**{**found, "labels": tuple(found["labels"])})
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{path} describes itself in a way this version does not know; export it again") from None


def attach(path: Path, description: Description) -> None:
    """Write a description into a .tflite, .keras or .onnx file that has none; the same bytes every time."""
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(path)
        model.metadata_props.add(key=KEY, value=description.text())
        path.write_bytes(model.SerializeToString(deterministic=True))
        return
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(KEY, date_time=(1980, 1, 1, 0, 0, 0)), description.text())


def read_archived(path: Path) -> Description | None:
    """The description in a .tflite or .keras file; None where there is none."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return Description.parse(archive.read(KEY), path) if KEY in archive.namelist() else None
