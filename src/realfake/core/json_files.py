"""JSON files that stages write and read: the same value gives the same bytes, and what is read is checked."""

import json
from pathlib import Path
from typing import Any, TypeVar

from realfake.core.errors import UserError
from realfake.core.files import atomic_file

Kind = TypeVar("Kind")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with a final newline, atomically and with the same bytes every time."""
    with atomic_file(path) as file:
        file.write((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file of any content.

    Raises:
        UserError: the file is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `dvc repro` makes it") from None
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); remove it and run `dvc repro`") from None


def read_record(kind: type[Kind], path: Path, command: str) -> Kind:
    """Read a JSON file as the type that describes it, checking that every field is there and of its type.

    Args:
        kind: a dataclass, or a list or mapping of dataclasses; keys of the file that it does not name are ignored.
        path: the file.
        command: the command that writes the file, for the error message.

    Raises:
        UserError: the file is missing, no JSON, or lacks a field.
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
