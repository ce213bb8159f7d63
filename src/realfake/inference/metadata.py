"""Read and write the metadata of exported model files: sizes, threshold, labels, origin and scores.

In .tflite and .keras files they are a zip member `realfake.json`: LiteRT ignores an appended archive (TensorFlow Lite
Metadata uses this too), and .keras files are archives. In .onnx files they are a metadata property. They hold no run
id, so that exporting twice gives the same bytes; MLflow finds the run by its tag `model_sha256`. Reading them needs the
standard library only.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.errors import UserError

KEY = "realfake.json"
"""Name of the zip member and of the ONNX property."""
LABELS = ("FAKE", "REAL")
"""The labels 0 and 1."""


@dataclass(frozen=True)
class Description:
    """The metadata of a model file: how to use it, and where it comes from."""

    source_size: int
    """Source resolution S: a picture is first cropped to its central square and reduced to S x S pixels (Lanczos)."""
    image_size: int
    """Side of the network's input in pixels, at least S; pictures are enlarged bilinearly with half-pixel centres."""
    threshold: float
    """A picture is called REAL if P(REAL) is at least this."""
    data_digest: str
    """Content digest of the data that the network was trained and evaluated on."""
    model_sha256: str
    """SHA-256 of the .keras file that the training wrote, which is also a tag of its MLflow run."""
    figures: Mapping[str, float]
    """Test scores of the network by name; accuracy with the ends of its 95 % interval."""
    labels: tuple[str, str] = LABELS
    """Labels by class index."""
    input: str = "float32 (N, image_size, image_size, 3), RGB, [0, 1]"
    """The network's input in words."""
    output: str = "float32 (N, 1), P(REAL)"
    """The network's output in words."""

    def to_json(self) -> str:
        """Return the metadata as JSON; equal metadata give equal text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes, path: Path) -> "Description":
        """Read metadata from JSON.

        Args:
            text: what `to_json` returned.
            path: the model file, for the error message.

        Raises:
            UserError: the text is not JSON, or has other fields.
        """
        try:
            found = json.loads(text)
            return cls(**{**found, "labels": tuple(found["labels"])})
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{path} has metadata that this version cannot read; export the model again") from None


def attach(path: Path, description: Description) -> None:
    """Add metadata to a .tflite, .keras or .onnx file that has none; equal input gives equal bytes."""
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(path)
        model.metadata_props.add(key=KEY, value=description.to_json())
        path.write_bytes(model.SerializeToString(deterministic=True))
        return
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(KEY, date_time=(1980, 1, 1, 0, 0, 0)), description.to_json())


def read_archived(path: Path) -> Description | None:
    """Read the metadata of a .tflite or .keras file; None if it has none."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return Description.from_json(archive.read(KEY), path) if KEY in archive.namelist() else None
