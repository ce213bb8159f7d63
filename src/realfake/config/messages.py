"""Explain in one line what is wrong with a parameter: where, what was found, what is allowed."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

from realfake.core.errors import one_line

_PYDANTICS_WORDS = re.compile(r"^(Input|List|Dictionary) | after validation, not \d+$| or instance of \w+$")
"""Parts of pydantic's messages that say nothing to a reader of params.yaml."""


def explain(errors: Sequence[ErrorDetails], root: type[BaseModel], inside: tuple[str, ...] = ()) -> str:
    """Return one line about the first wrong parameter.

    A misspelt name gives two errors, an unknown and a missing parameter; the line names the unknown one. A parameter
    that may have several types gives an error for each type; the line names all expectations.

    Args:
        errors: pydantic's errors, at least one.
        root: the model of all parameters.
        inside: the group in `root` that the errors' locations are relative to.
    """
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    location = (*inside, *first["loc"])
    name = _parameter(location, root)
    if first["type"] == "extra_forbidden":
        return (
            f"unknown parameter {name}; {suggest_name(str(location[-1]), _walk(location[:-1], root)[1].model_fields)}"
        )
    if first["type"] == "missing":
        return f"{name} is missing; every parameter must be given (see recipes/quick.yaml)"
    if first["type"] == "value_error":
        return one_line(first["ctx"]["error"])
    same = [error["msg"] for error in errors if _parameter((*inside, *error["loc"]), root) == name]
    expectations = dict.fromkeys(_PYDANTICS_WORDS.sub("", message) for message in same)
    return f"{name} is {first['input']!r}, but it {' or '.join(expectations)}{_text_number_hint(first['input'])}"


def suggest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name that a wrong one is closest to, as a question; all known names where none is close."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known names: {', '.join(names)}"


def _parameter(location: Sequence[int | str], root: type[BaseModel]) -> str:
    """Return the dotted name of the parameter at an error's location."""
    return ".".join(_walk(location, root)[0])


def _walk(location: Sequence[int | str], root: Any) -> tuple[list[str], Any]:
    """Return the parameter names along a location, without pydantic's tags of unions, and the last one's type."""
    names: list[str] = []
    kind = root
    for part in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names.append(str(part))
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
        elif get_origin(kind) is dict:
            names.append(str(part))
            kind = get_args(kind)[1]
        elif get_origin(kind) is Annotated:  # a tagged union: this part of the location is the tag of the chosen type
            tagged = [get_args(alternative) for alternative in get_args(get_args(kind)[0])]
            kind = next((model for model, *marks in tagged if Tag(str(part)) in marks), None)
        else:
            break
    return names, kind


def _text_number_hint(value: Any) -> str:
    """Return how to write a number that YAML 1.1 reads as text, such as 1e-3; empty for all other values."""
    try:
        return f"; YAML reads {value} as text, write {float(value)!r}" if isinstance(value, str) else ""
    except ValueError:
        return ""
