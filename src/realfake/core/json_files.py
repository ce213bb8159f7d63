"""Write and read the stages' JSON files: equal values give equal bytes, and records are checked when they are read."""

import json
from pathlib import Path
from typing import Any, TypeVar

from realfake.core.errors import UserError
from realfake.core.files import atomic_file

Kind = TypeVar("Kind")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON with a final newline, atomically; equal values give equal bytes."""
    with atomic_file(path) as file:
        file.write((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file with any content.

    Raises:
        UserError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `dvc repro` makes it") from None
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}); remove it and run `dvc repro`") from None


def read_record(kind: type[Kind], path: Path, command: str) -> Kind:
    """Read a JSON file into a dataclass, checking that every field is present and has its type.

    Args:
        kind: a dataclass, or a list or mapping of dataclasses; further keys in the file are ignored.
        path: the JSON file.
        command: the command that writes the file, for the error message.

    Raises:
        UserError: the file is missing, is not JSON, or a field is missing or of the wrong type.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `{command}` makes it") from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "JSON"
        raise UserError(f"{path} is damaged ({place}: {problem['msg']}); `{command}` makes it again") from None
