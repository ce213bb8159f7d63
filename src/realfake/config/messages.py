"""What is wrong with a parameter, in one line: where, what was found, what is allowed."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

from realfake.core.errors import one_line

_PYDANTICS_WORDS = re.compile(r"^(Input|List|Dictionary) | after validation, not \d+$| or instance of \w+$")


def explain(errors: Sequence[ErrorDetails], root: type[BaseModel], inside: tuple[str, ...] = ()) -> str:
    """One line about one parameter that is wrong; a parameter of several types has an error for each.

    A misspelt name is also a missing one: the misspelling is what helps.

    Args:
        errors: of pydantic, at least one.
        root: the model of all parameters.
        inside: the group in `root` that the errors' locations start from.
    """
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    location = (*inside, *first["loc"])
    name = _parameter(location, root)
    if first["type"] == "extra_forbidden":
        return f"unknown parameter {name}; {nearest(str(location[-1]), _walk(location[:-1], root)[1].model_fields)}"
    if first["type"] == "missing":
        return f"{name} is missing; every parameter must be given (see recipes/quick.yaml)"
    if first["type"] == "value_error":
        return one_line(first["ctx"]["error"])
    same = [error["msg"] for error in errors if _parameter((*inside, *error["loc"]), root) == name]
    rules = dict.fromkeys(_PYDANTICS_WORDS.sub("", message) for message in same)
    return f"{name} is {first['input']!r}, but it {' or '.join(rules)}{_text_number_hint(first['input'])}"


def nearest(name: str, known: Iterable[str]) -> str:
    """What a wrong name may have meant."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(names)}"


def _parameter(location: Sequence[int | str], root: type[BaseModel]) -> str:
    """The dotted name in an error's location, without what pydantic adds for the alternatives of a type."""
    return ".".join(_walk(location, root)[0])


def _walk(location: Sequence[int | str], root: Any) -> tuple[list[str], Any]:
    """Names of the parameters along a location, and the type of the last one."""
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
        elif get_origin(kind) is Annotated:  # a tagged union: the location names the alternative that was taken
            tagged = [get_args(alternative) for alternative in get_args(get_args(kind)[0])]
            kind = next((model for model, *marks in tagged if Tag(str(part)) in marks), None)
        else:
            break
    return names, kind


def _text_number_hint(value: Any) -> str:
    """YAML 1.1 reads 1e-3 as text: say how to write it."""
    try:
        return f"; YAML reads {value} as text, write {float(value)!r}" if isinstance(value, str) else ""
    except ValueError:
        return ""
