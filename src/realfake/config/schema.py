"""params.yaml as frozen, checked objects: its only reader.

Each stage has one group of the same name. A key that is unknown, mistyped, out of range or of another type is refused
with one line that names the nearest valid key or the accepted values. No field has a default: params.yaml is the whole
truth about an experiment.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from realfake.config.kinds import FormatName, Fraction, Group, Positive, RuntimeName, Seed
from realfake.config.messages import explain, nearest
from realfake.config.tool_schema import PromoteParams, TuneParams
from realfake.core.errors import UserError

FINISHING = ("calibration", "mirror")
"""Parameters of train that are applied after its last epoch: no epoch depends on them."""


class PreprocessParams(Group):
    """What turns the archive into arrays."""

    size: Annotated[int, Field(ge=8, le=512)]
    """Source resolution S: every picture becomes S x S pixels (32 for CIFAKE)."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Part of each class of train that is set aside as val."""
    seed: Seed
    """Seed of the split into train and val, and of the choice that max_per_class makes."""
    max_per_class: Positive | None
    """Take at most this many pictures of each class, in train and in test; null takes all."""
    bad_pictures: Literal["stop", "skip"]
    """What an unreadable or too small picture does: stop the stage, or be left out and listed in the report."""


class AugmentationParams(Group):
    """How training pictures are varied."""

    strength: Fraction
    """0 shows every picture as it is, 1 varies it as far as a person would still call it the same picture."""
    corruption: Fraction
    """Part of the views that are damaged: JPEG, noise, blur, rescaling, tone or crop (realfake/data/corruption.py)."""
    views: Positive | None
    """Varied versions of each picture, one an epoch, then from the first again; null makes a new one every epoch."""


class CacheParams(Group):
    """How the output of frozen layers is kept on disk, so that it is computed once and not once an epoch."""

    max_gb: Annotated[float, Field(ge=0)]
    """Disk space (1e9 bytes) for all that is kept; 0 keeps nothing."""
    runtime: RuntimeName
    """What computes the frozen layers: tensorflow as the network itself does, the others in their own arithmetic."""


class OptimizerParams(Group):
    """The optimiser and its learning-rate schedule."""

    name: Literal["adam", "adamw", "sgd"]
    """Adam, Adam with decoupled weight decay, or stochastic gradient descent with Nesterov momentum."""
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """Peak learning rate, per step."""
    schedule: Literal["constant", "cosine"]
    """What follows the warm-up: the peak to the end, or half a cosine down to 0."""
    warmup_epochs: Annotated[float, Field(ge=0)]
    """Epochs of linear rise from 0 to the peak; fractions are allowed."""
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    """Decoupled weight decay per step, times the learning rate (Loshchilov & Hutter 2019); adamw and sgd only."""
    averaging: Annotated[float, Field(ge=0, lt=1)]
    """Momentum of a moving average that replaces the learnt weights (no statistics) after each epoch; 0 keeps none."""

    @model_validator(mode="after")
    def _decay_needs_its_optimizer(self) -> "OptimizerParams":
        if self.name == "adam" and self.weight_decay:
            raise ValueError("weight_decay works with adamw and sgd; set it to 0.0 or name: adamw")
        return self


class TrainParams(Group):
    """The network and how it is trained."""

    backbone: str
    """`resnet18`, `resnet20`, ... (models/resnet.py, at the pictures' own size) or a class of keras.applications."""
    width: Positive | None
    """Channels of the first stage of a native resnet (16 in He et al. 2015); null for keras.applications."""
    image_size: Annotated[int, Field(ge=8, le=1024)]
    """Side of the network's input; pictures are upscaled to it, bilinear."""
    input_range: Literal["unit", "backbone"]
    """What the backbone sees: [0, 1] as in the talk's recipe, or what its pretrained weights were trained on."""
    weights: str
    """`none`, `imagenet`, `cifake` (the shipped network), or a file (.keras, .weights.h5, .h5)."""
    weights_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    """SHA-256 of the weights file, so that another file under the same name is never taken for it."""
    unfreeze: Literal["all"] | Annotated[int, Field(ge=0)]
    """Train the last n layers of the backbone, or all of it."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Part of the head's 256 features that each training step sets to zero."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """The loss takes labels this far drawn to one half (Szegedy et al. 2016); so does train_loss, val_loss does not."""
    precision: Literal["float32", "bfloat16"]
    """What convolutions compute in while they train; weights and the finished network are float32."""
    calibration: Literal["none", "temperature", "platt"]
    """What is fitted on val after training, and becomes part of the last layer."""
    mirror: bool
    """The finished network answers with the mean over a picture and its mirror image, at twice the work."""
    augmentation: AugmentationParams
    cache: CacheParams
    optimizer: OptimizerParams
    batch_size: Positive
    """Pictures in a training step."""
    epochs: Positive
    """Passes over train."""
    keep: Literal["best", "last"]
    """The epoch whose weights are kept: the most accurate on val at threshold 0.5, or the last. A network that leans to
    one class in its last epochs, which Platt scaling mends, would lose them under best."""
    seed: Seed
    """Seed of initial weights, order, augmentation and dropout."""

    @model_validator(mode="after")
    def _names_agree(self) -> "TrainParams":
        if self.weights.startswith("models:/"):
            raise ValueError(
                f"weights: {self.weights} is an alias that can move; a stage reads only files. "
                f"`python src/use.py --weights {self.weights}` downloads the model and puts its file and digest here"
            )
        if self.weights in ("none", "imagenet") and self.weights_sha256 is not None:
            raise ValueError(f"weights_sha256 is for a weights file, not for weights: {self.weights}; set it to null")
        if self.precision == "bfloat16" and self.cache.runtime != "tensorflow":
            raise ValueError(f"cache.runtime {self.cache.runtime} has arithmetic of its own; set precision: float32")
        if self.optimizer.warmup_epochs > self.epochs:
            raise ValueError(f"optimizer.warmup_epochs {self.optimizer.warmup_epochs} exceeds epochs {self.epochs}")
        return self


class EvaluateParams(Group):
    """How the test pictures are scored."""

    threshold: Annotated[float, Field(gt=0, lt=1)]
    """P(REAL) from which on a picture is called REAL."""
    bootstrap: Annotated[int, Field(ge=100, le=100_000)]
    """Resamples behind each confidence interval."""
    calibration_bins: Annotated[int, Field(ge=2, le=100)]
    """Bins of equal width that the expected calibration error (ECE) is computed over."""
    robustness_pictures: Annotated[int, Field(ge=2)]
    """Test pictures, at most, that are damaged in every way of corruption.SUITE; balanced over the classes."""
    seed: Seed
    """Seed of the resamples, of the damage and of the pictures that figures show."""


class ExportParams(Group):
    """Which files are written and how they are checked."""

    formats: Annotated[list[FormatName], Field(min_length=1)]
    """Files to write: the Keras file, ONNX, and LiteRT in four precisions."""
    calibration_pictures: Positive
    """Training pictures that set the ranges of int8."""
    check_pictures: Positive
    """Test pictures that every format is run on, at most; balanced over the classes."""
    max_accuracy_drop: Fraction
    """A format that loses more accuracy than this against Keras fails the stage (0.01 is one point)."""
    seed: Seed
    """Seed of the choice of calibration and check pictures."""


class TrackingParams(Group):
    """Where MLflow files a run. No stage's output depends on it."""

    experiment: Annotated[str, Field(min_length=1)]
    """Name of the MLflow experiment."""


class Params(Group):
    """All of params.yaml."""

    preprocess: PreprocessParams
    train: TrainParams
    evaluate: EvaluateParams
    export: ExportParams
    tune: TuneParams
    promote: PromoteParams
    tracking: TrackingParams

    @model_validator(mode="after")
    def _space_is_possible(self) -> "Params":
        known = flatten(self.train)
        for name, domain in self.tune.space.items():
            if name in FINISHING:
                raise ValueError(f"tune.space.{name}: trials do without; set train.{name} itself")
            if name not in known:
                raise ValueError(f"tune.space.{name} is no parameter of train; {nearest(name, known)}")
            for value in domain.probes:
                try:
                    with_values(self.train, {name: value})
                except UserError as error:
                    raise ValueError(f"tune.space.{name}: {error}") from None
        return self


def with_values(train: TrainParams, values: Mapping[str, Any]) -> TrainParams:
    """Parameters of train with some of them changed, by dotted name; checked like those of a file.

    Raises:
        UserError: a value that is not allowed, or not together with the others.
    """
    document = train.model_dump()
    for name, value in values.items():
        *groups, last = name.split(".")
        group = document
        for part in groups:
            group = group[part]
        group[last] = float(value) if isinstance(group[last], float) and isinstance(value, int) else value
    try:
        return TrainParams.model_validate(document)
    except ValidationError as error:
        raise UserError(explain(error.errors(), Params, ("train",))) from None


def load_params(path: Path) -> Params:
    """Read and check a params file.

    Raises:
        UserError: the file is missing, no YAML, or says something that is not allowed; one line that says where.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `make use RECIPE=quick` writes one") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no groups; expected {', '.join(Params.model_fields)} (see recipes/quick.yaml)")
    try:
        return Params.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path.name}: {explain(error.errors(), Params)}") from None


def flatten(group: BaseModel, prefix: str = "") -> dict[str, Any]:
    """A group's parameters under dotted names, as MLflow and `dvc exp run -S` spell them."""
    flat: dict[str, Any] = {}
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, BaseModel):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat
