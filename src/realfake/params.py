"""params.yaml as frozen, checked objects: its only reader.

Each stage has one group of the same name. A key that is unknown, mistyped, out of range or of another type is refused
with one line that names the nearest valid key or the accepted values. No field has a default: params.yaml is the whole
truth about an experiment.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from realfake.errors import UserError, one_line

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
FormatName = Literal["keras", "onnx", "litert_fp32", "litert_fp16", "litert_dynamic", "litert_int8"]

RuntimeName = Literal["tensorflow", "onnxruntime", "onnxruntime_int8", "openvino_bf16", "openvino_int8"]


class Group(BaseModel):
    """A group of parameters: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PreprocessParams(Group):
    """What turns the archive into arrays."""

    size: Annotated[int, Field(ge=8, le=512)]
    """Source resolution S: every picture becomes S x S pixels (32 for CIFAKE)."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Part of each class of train that is set aside as val."""
    seed: Seed
    max_per_class: Positive | None
    """Take at most this many pictures of each class, in train and in test; null takes all."""
    bad_pictures: Literal["stop", "skip"]
    """What an unreadable or too small picture does: stop the stage, or be left out and listed in the report."""


class AugmentationParams(Group):
    """How training pictures are varied."""

    strength: Fraction
    """0 shows every picture as it is, 1 varies it as far as a person would still call it the same picture."""
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
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """Peak learning rate, per step."""
    schedule: Literal["constant", "cosine"]
    warmup_epochs: Annotated[float, Field(ge=0)]
    """Epochs of linear rise from 0 to the peak; fractions are allowed."""
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    """Decoupled weight decay per step, times the learning rate (Loshchilov & Hutter 2019); adamw and sgd only."""

    @model_validator(mode="after")
    def _decay_needs_its_optimizer(self) -> "OptimizerParams":
        if self.name == "adam" and self.weight_decay:
            raise ValueError("weight_decay works with adamw and sgd; set it to 0.0 or name: adamw")
        return self


class TrainParams(Group):
    """The network and how it is trained."""

    backbone: str
    """`resnet14`, `resnet20`, ... (6n+2, at the pictures' own size) or a class of keras.applications by its name."""
    width: Positive | None
    """Channels of the first stage of a native resnet (16 in He et al. 2015); null for keras.applications."""
    image_size: Annotated[int, Field(ge=8, le=1024)]
    """Side of the network's input; pictures are upscaled to it, bilinear."""
    input_range: Literal["unit", "backbone"]
    """What the backbone sees: [0, 1] as in the deck, or what its pretrained weights were trained on."""
    weights: str
    """`none`, `imagenet`, or a file (.keras, .weights.h5, .h5)."""
    weights_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    """SHA-256 of the weights file, so that another file under the same name is never taken for it."""
    unfreeze: Literal["all"] | Annotated[int, Field(ge=0)]
    """Train the last n layers of the backbone, or all of it."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    augmentation: AugmentationParams
    cache: CacheParams
    optimizer: OptimizerParams
    batch_size: Positive
    epochs: Positive
    seed: Seed

    @model_validator(mode="after")
    def _names_agree(self) -> "TrainParams":
        if self.weights.startswith("models:/"):
            raise ValueError(
                f"weights: {self.weights} is an alias that can move; a stage reads only files. "
                "Download the model, give its file as weights and its digest as weights_sha256"
            )
        if self.weights in ("none", "imagenet") and self.weights_sha256 is not None:
            raise ValueError(f"weights_sha256 is for a weights file, not for weights: {self.weights}; set it to null")
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
    seed: Seed


class ExportParams(Group):
    """Which files are written and how they are checked."""

    formats: Annotated[list[FormatName], Field(min_length=1)]
    calibration_pictures: Positive
    """Training pictures that set the ranges of int8."""
    check_pictures: Positive
    """Test pictures that every format is run on, at most; balanced over the classes."""
    max_accuracy_drop: Fraction
    """A format that loses more accuracy than this against Keras fails the stage (0.01 is one point)."""
    seed: Seed


class TrackingParams(Group):
    """Where MLflow files a run. No stage's output depends on it."""

    experiment: Annotated[str, Field(min_length=1)]


class Params(Group):
    """All of params.yaml."""

    preprocess: PreprocessParams
    train: TrainParams
    evaluate: EvaluateParams
    export: ExportParams
    tracking: TrackingParams


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
        raise UserError(f"{path.name}: {_explain(error.errors())}") from None


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


def _explain(errors: list[ErrorDetails]) -> str:
    """One line about one parameter that is wrong; a parameter of several types has an error for each.

    A misspelt name is also a missing one: the misspelling is what helps.
    """
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    name = _parameter(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown parameter {name}; {_nearest(first['loc'])}"
    if first["type"] == "missing":
        return f"{name} is missing; every parameter must be given (see recipes/quick.yaml)"
    if first["type"] == "value_error":
        return one_line(first["ctx"]["error"])
    rules = dict.fromkeys(error["msg"].removeprefix("Input ") for error in errors if _parameter(error["loc"]) == name)
    return f"{name} is {first['input']!r}, but it {' or '.join(rules)}{_text_number_hint(first['input'])}"


def _parameter(location: tuple[int | str, ...]) -> str:
    """The dotted name in an error's location, without what pydantic adds for the alternatives of a type."""
    names: list[str] = []
    group: Any = Params
    for part in location:
        names.append(str(part))
        field = group.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, Group):
            break
        group = field.annotation
    return ".".join(names)


def _nearest(location: tuple[int | str, ...]) -> str:
    group: Any = Params
    for part in location[:-1]:
        group = group.model_fields[str(part)].annotation
    known = list(group.model_fields)
    near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def _text_number_hint(value: Any) -> str:
    """YAML 1.1 reads 1e-3 as text: say how to write it."""
    try:
        return f"; YAML reads {value} as text, write {float(value)!r}" if isinstance(value, str) else ""
    except ValueError:
        return ""
