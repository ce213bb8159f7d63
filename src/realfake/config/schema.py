"""Read params.yaml into frozen, checked objects; nothing else reads it.

Each stage has a group of the same name. An unknown key, a wrong type or a value out of range is refused with one line
that names the closest valid key or the accepted values. No field has a default: params.yaml describes an experiment
completely.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from realfake.config.kinds import FormatName, Fraction, Group, Positive, RuntimeName, Seed
from realfake.config.messages import explain, suggest_name
from realfake.config.tool_schema import PromoteParams, TuneParams
from realfake.core.errors import UserError

FINISHING = ("calibration", "mirror")
"""Parameters of train that are applied after the last epoch; no epoch depends on them."""


class PreprocessParams(Group):
    """Preprocessing: picture size, validation split, and what happens to unusable pictures."""

    size: Annotated[int, Field(ge=8, le=512)]
    """Source resolution S in pixels: every picture becomes S x S (32 for CIFAKE)."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Fraction of each class of the training pictures that is held out as val."""
    seed: Seed
    """Seed of the split into train and val, and of the selection that max_per_class makes."""
    max_per_class: Positive | None
    """Use at most this many pictures of each class, in train and in test; null uses all."""
    bad_pictures: Literal["stop", "skip"]
    """Whether an unreadable or too small picture stops the stage, or is skipped and listed in the report."""


class AugmentationParams(Group):
    """Augmentation of the training pictures."""

    strength: Fraction
    """Strength of flips, shifts and colour changes: 0 applies none, 1 the largest that do not distort the content."""
    corruption: Fraction
    """Fraction of the views that are damaged by JPEG, noise, blur, rescaling, tone or crop (data/corruption.py)."""
    views: Positive | None
    """Number of augmented views of each picture, used in turn, one per epoch; null makes a new view every epoch."""


class CacheParams(Group):
    """Feature cache: the outputs of frozen layers, kept on disk, so that they are computed once and not every epoch."""

    max_gb: Annotated[float, Field(ge=0)]
    """Disk space for the whole cache in GB (1e9 bytes); 0 turns the cache off."""
    runtime: RuntimeName
    """What computes the frozen layers: tensorflow, as in the network itself, or a runtime that rounds differently."""


class OptimizerParams(Group):
    """The optimiser and its learning-rate schedule."""

    name: Literal["adam", "adamw", "sgd"]
    """Adam, Adam with decoupled weight decay, or stochastic gradient descent with Nesterov momentum."""
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """Peak learning rate."""
    schedule: Literal["constant", "cosine"]
    """Learning rate after the warm-up: constant at the peak, or falling to 0 along half a cosine."""
    warmup_epochs: Annotated[float, Field(ge=0)]
    """Epochs in which the learning rate rises linearly from 0 to the peak; may be a fraction."""
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    """Decoupled weight decay, multiplied by the learning rate (Loshchilov & Hutter 2019); adamw and sgd only."""
    averaging: Annotated[float, Field(ge=0, lt=1)]
    """Momentum of the moving average of the trainable weights that replaces them after each epoch; 0 turns it off."""

    @model_validator(mode="after")
    def _decay_needs_its_optimizer(self) -> "OptimizerParams":
        if self.name == "adam" and self.weight_decay:
            raise ValueError("weight_decay works with adamw and sgd; set it to 0.0 or name: adamw")
        return self


class TrainParams(Group):
    """The network and its training."""

    backbone: str
    """`resnet18`, `resnet20`, ... (models/resnet.py, for small pictures), or a class of keras.applications."""
    width: Positive | None
    """Channels of the first stage of a small resnet (16 in He et al. 2015); null for keras.applications."""
    image_size: Annotated[int, Field(ge=8, le=1024)]
    """Side of the network's input in pixels; pictures are enlarged to it bilinearly."""
    input_range: Literal["unit", "backbone"]
    """Value range that enters the backbone: [0, 1], or the range that its pretrained weights were trained with."""
    weights: str
    """Initial weights: `none`, `imagenet`, `cifake` (the shipped network), or a file (.keras, .weights.h5, .h5)."""
    weights_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    """SHA-256 of the weights file; a file with another digest is refused."""
    unfreeze: Literal["all"] | Annotated[int, Field(ge=0)]
    """Number of layers at the backbone's end that are trained, or all; the others stay frozen."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Fraction of the head's 256 features that each training step sets to zero."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """How far the training loss moves labels towards one half (Szegedy et al. 2016); val_loss uses plain labels."""
    precision: Literal["float32", "bfloat16"]
    """Number format of the computations in training; weights and the finished network are float32."""
    calibration: Literal["none", "temperature", "platt"]
    """Scaling of the log-odds that is fitted on val after training and folded into the last layer."""
    mirror: bool
    """Test-time augmentation: the finished network averages over a picture and its mirror image, at twice the cost."""
    augmentation: AugmentationParams
    cache: CacheParams
    optimizer: OptimizerParams
    batch_size: Positive
    """Pictures per training step."""
    epochs: Positive
    """Passes over the training pictures."""
    keep: Literal["best", "last"]
    """The epoch whose weights are kept: the most accurate on val at threshold 0.5, or the last. `best` discards late
    epochs that favour one class, although Platt scaling would correct them."""
    seed: Seed
    """Seed of initial weights, order of pictures, augmentation and dropout."""

    @model_validator(mode="after")
    def _names_agree(self) -> "TrainParams":
        if self.weights.startswith("models:/"):
            raise ValueError(
                f"train.weights is {self.weights}, an alias that can move to another model; "
                f"`python src/use.py --weights {self.weights}` downloads the model and sets its file and digest"
            )
        if self.weights in ("none", "imagenet") and self.weights_sha256 is not None:
            raise ValueError(f"weights_sha256 is for a weights file, not for weights: {self.weights}; set it to null")
        if self.precision == "bfloat16" and self.cache.runtime != "tensorflow":
            raise ValueError(f"cache.runtime {self.cache.runtime} does not train in bfloat16; set precision: float32")
        if self.optimizer.warmup_epochs > self.epochs:
            raise ValueError(f"optimizer.warmup_epochs {self.optimizer.warmup_epochs} exceeds epochs {self.epochs}")
        return self


class EvaluateParams(Group):
    """Evaluation on the test pictures: threshold, bootstrap resamples, calibration bins, damaged pictures."""

    threshold: Annotated[float, Field(gt=0, lt=1)]
    """A picture is called REAL if P(REAL) is at least this."""
    bootstrap: Annotated[int, Field(ge=100, le=100_000)]
    """Bootstrap resamples for each confidence interval."""
    calibration_bins: Annotated[int, Field(ge=2, le=100)]
    """Bins of equal width for the expected calibration error (ECE)."""
    robustness_pictures: Annotated[int, Field(ge=2)]
    """Test pictures that are scored under every kind of damage, at most; balanced over the classes."""
    seed: Seed
    """Seed of the resamples, of the damage, and of the pictures in figures."""


class ExportParams(Group):
    """Export: the file formats and how they are checked."""

    formats: Annotated[list[FormatName], Field(min_length=1)]
    """Formats to write: Keras, ONNX, and LiteRT in four precisions."""
    calibration_pictures: Positive
    """Training pictures that determine the value ranges of int8 quantisation."""
    check_pictures: Positive
    """Test pictures that every format is run on, at most; balanced over the classes."""
    max_accuracy_drop: Fraction
    """Largest loss of accuracy against Keras (0.01 is one point); a format that loses more fails the stage."""
    seed: Seed
    """Seed of the selection of calibration and check pictures."""


class TrackingParams(Group):
    """MLflow tracking. No stage's output depends on it."""

    experiment: Annotated[str, Field(min_length=1)]
    """Name of the MLflow experiment."""


class Params(Group):
    """The whole params.yaml."""

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
                raise ValueError(f"tune.space.{name}: trials do not use it; set train.{name} instead")
            if name not in known:
                raise ValueError(f"tune.space.{name} is not a parameter of train; {suggest_name(name, known)}")
            for value in domain.probes:
                try:
                    with_values(self.train, {name: value})
                except UserError as error:
                    raise ValueError(f"tune.space.{name}: {error}") from None
        return self


def with_values(train: TrainParams, values: Mapping[str, Any]) -> TrainParams:
    """Return the parameters of train with some values replaced, by dotted name, and check the result.

    Raises:
        UserError: a value is not allowed, or not in combination with the others.
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
        UserError: the file is missing, is not YAML, or holds something that is not allowed; the line says where.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `make use RECIPE=quick` writes one") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no groups; expected {', '.join(Params.model_fields)} (see recipes/quick.yaml)")
    try:
        return Params.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path.name}: {explain(error.errors(), Params)}") from None


def flatten(group: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Return a group's parameters by dotted name, as MLflow and `dvc exp run -S` spell them."""
    flat: dict[str, Any] = {}
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, BaseModel):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat
