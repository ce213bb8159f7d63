"""Read and write outputs/model/training.json, the record of a training, from which its MLflow run can be rebuilt."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from realfake.config.schema import TrainParams, flatten
from realfake.core.json_files import read_record, write_json
from realfake.data.preparation_report import PreparationReport
from realfake.models.architecture import Part
from realfake.training.history import EpochResult

RECORD_FILE = "training.json"


@dataclass(frozen=True)
class Calibration:
    """Hold the scaling of a network's logit, and scores on val, which are None without calibration."""

    scale: float
    """Factor of the logit: P(REAL) became sigmoid(scale * logit + shift)."""
    shift: float
    """Added to the scaled logit."""
    val_accuracy: float | None = None
    """Accuracy of the finished network at threshold 0.5, 0 to 1."""
    val_loss: float | None = None
    """Binary cross-entropy of the finished network."""
    val_ece: float | None = None
    """Expected calibration error (15 bins) of the finished network, 0 to 1."""
    val_ece_before: float | None = None
    """Expected calibration error (15 bins) before the scaling, 0 to 1."""

    def figures(self) -> dict[str, float]:
        """Return the values that are known, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class CachedFeatures:
    """Describe the cached features that a network was trained on."""

    layer: str
    """Name of the last frozen operation, whose output was cached."""
    views: int
    """Number of cached augmented views per training picture."""


@dataclass(frozen=True)
class TrainingRecord:
    """Record a training; the fields are those of the file, in its order."""

    name: str
    """Name from `run_name`."""
    data_digest: str
    """Digest of the prepared pictures' content, 64 hex digits."""
    pictures: Mapping[str, Mapping[str, int]]
    """Number of pictures by split and class."""
    parts: tuple[Part, ...]
    """Parts of the network, from input to output."""
    params: Mapping[str, Any]
    """Parameters of preprocess and train, from `named_params`."""
    best: EpochResult
    """Result of the epoch whose weights were kept."""
    calibration: Calibration
    """Calibration of the finished network."""
    trunk: CachedFeatures | None
    """Cached features of the frozen layers; None if the network was trained on the pictures themselves."""

    @classmethod
    def read(cls, model: Path) -> "TrainingRecord":
        """Read the record from the model's folder.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, model / RECORD_FILE, "dvc repro train")

    def write(self, model: Path) -> None:
        """Write the record into the model's folder."""
        write_json(model / RECORD_FILE, asdict(self) | {"calibration": self.calibration.figures()})

    @property
    def source_size(self) -> int:
        """Return the side of the prepared pictures in pixels."""
        return int(self.params["preprocess.size"])

    @property
    def train_params(self) -> dict[str, Any]:
        """Return the train parameters by dotted name, without the group's name."""
        prefix = "train."
        return {name.removeprefix(prefix): value for name, value in self.params.items() if name.startswith(prefix)}


def named_params(report: PreparationReport, params: TrainParams) -> dict[str, Any]:
    """Return the parameters of preprocess and train by their names in MLflow: `preprocess.size`, `train.epochs` ..."""
    groups = {"preprocess": report.params, "train": flatten(params)}
    return {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}


def run_name(params: TrainParams) -> str:
    """Return a run's name: backbone, input size, initial weights, number of unfrozen layers and of epochs."""
    width = f"x{params.width}" if params.width else ""
    weights = "" if params.weights == "none" else f"-{Path(params.weights).stem}"
    depth = "" if params.unfreeze == "all" else f"-last{params.unfreeze}"
    return f"{params.backbone}{width}-{params.image_size}px{weights}{depth}-{params.epochs}ep"
