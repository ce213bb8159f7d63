"""Define the base class of parameter groups and the value types that several groups share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number in [0, 1]."""
Positive = Annotated[int, Field(ge=1)]
"""A whole number of at least 1."""
Seed = Annotated[int, Field(ge=0, lt=2**31)]
"""The seed of a random generator."""
FormatName = Literal["keras", "onnx", "litert_fp32", "litert_fp16", "litert_dynamic", "litert_int8"]
"""The file formats of export."""
RuntimeName = Literal["tensorflow", "onnxruntime", "onnxruntime_int8", "openvino_bf16", "openvino_int8"]
"""The runtimes that can compute frozen layers for the feature cache."""


class Group(BaseModel):
    """A group of parameters: immutable, strict about types, without unknown keys, without NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
