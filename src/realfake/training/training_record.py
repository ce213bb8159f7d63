"""outputs/model/training.json: what a training was, learnt from and came to; enough to rebuild its MLflow run."""

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
    """The scaling of a network's answers, and its figures on val; those are None where nothing was fitted."""

    scale: float
    """P(REAL) became sigmoid(scale * logit + shift)."""
    shift: float
    val_accuracy: float | None = None
    val_loss: float | None = None
    val_ece: float | None = None
    """Expected calibration error (15 bins) of the finished network."""
    val_ece_before: float | None = None
    """The same before the scaling."""

    def figures(self) -> dict[str, float]:
        """The figures that are known, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class KeptFeatures:
    """The kept output of frozen layers that a training learnt from."""

    layer: str
    """The last frozen operation."""
    views: int
    """Kept versions of each training picture."""


@dataclass(frozen=True)
class TrainingRecord:
    """The record of a training; its fields are those of the file, in their order."""

    name: str
    """As `run_name` gives it."""
    data_digest: str
    """Content digest of the pictures."""
    pictures: Mapping[str, Mapping[str, int]]
    """Number of pictures by split and class."""
    parts: tuple[Part, ...]
    params: Mapping[str, Any]
    """Preprocess and train parameters, as `named_params` names them."""
    best: EpochResult
    """The epoch whose weights were kept."""
    calibration: Calibration
    trunk: KeptFeatures | None
    """None where the training learnt from the pictures themselves."""

    @classmethod
    def read(cls, model: Path) -> "TrainingRecord":
        """Read the record of the training that left a model's folder.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, model / RECORD_FILE, "dvc repro train")

    def write(self, model: Path) -> None:
        """Write the record into a model's folder."""
        write_json(model / RECORD_FILE, asdict(self) | {"calibration": self.calibration.figures()})

    @property
    def source_size(self) -> int:
        """Side of the prepared pictures in pixels."""
        return int(self.params["preprocess.size"])

    @property
    def train_params(self) -> dict[str, Any]:
        """The train parameters by dotted name, without the group's name."""
        prefix = "train."
        return {name.removeprefix(prefix): value for name, value in self.params.items() if name.startswith(prefix)}


def named_params(report: PreparationReport, params: TrainParams) -> dict[str, Any]:
    """Preprocess and train parameters as MLflow knows them: `preprocess.size`, `train.optimizer.name` ..."""
    groups = {"preprocess": report.params, "train": flatten(params)}
    return {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}


def run_name(params: TrainParams) -> str:
    """A name that tells runs apart: network, input size, starting weights, what is trained, how long."""
    width = f"x{params.width}" if params.width else ""
    weights = "" if params.weights == "none" else f"-{Path(params.weights).stem}"
    depth = "" if params.unfreeze == "all" else f"-last{params.unfreeze}"
    return f"{params.backbone}{width}-{params.image_size}px{weights}{depth}-{params.epochs}ep"
