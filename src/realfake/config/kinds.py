"""What the groups of params.yaml are made of: immutable, strict, closed; and the kinds of values they share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
FormatName = Literal["keras", "onnx", "litert_fp32", "litert_fp16", "litert_dynamic", "litert_int8"]
RuntimeName = Literal["tensorflow", "onnxruntime", "onnxruntime_int8", "openvino_bf16", "openvino_int8"]


class Group(BaseModel):
    """A group of parameters: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
