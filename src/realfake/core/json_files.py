"""JSON files that stages write and read: the same value gives the same bytes."""

import json
from pathlib import Path
from typing import Any

from realfake.core.errors import UserError
from realfake.core.files import atomic_file


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with a final newline, atomically and with the same bytes every time."""
    with atomic_file(path) as file:
        file.write((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage wrote.

    Raises:
        UserError: the file is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `dvc repro` makes it") from None
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); remove it and run `dvc repro`") from None
