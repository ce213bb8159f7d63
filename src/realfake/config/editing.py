"""Change values in params.yaml and keep its comments, its order and its layout."""

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.core.files import atomic_file


def dump_values(values: Mapping[str, Any], group: str = "train") -> str:
    """Return some parameters of a group as YAML, nested as in params.yaml.

    Args:
        values: by dotted name within the group: `optimizer.learning_rate`.
        group: a group of params.yaml.
    """
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *groups, last = [group, *name.split(".")]
        place = nested
        for part in groups:
            place = place.setdefault(part, {})
        place[last] = value
    text = io.StringIO()
    _yaml().dump(nested, text)
    return text.getvalue()


def set_values(path: Path, values: Mapping[str, Any], group: str = "train") -> None:
    """Set parameters of a group in a params file, unchecked; comments and order stay.

    Args:
        path: a file in the layout of params.yaml.
        values: by dotted name within the group: `optimizer.learning_rate`.
        group: a group of params.yaml.

    Raises:
        KeyError: the file has no such group or parameter.
    """
    yaml = _yaml()
    document = yaml.load(path.read_text(encoding="utf-8"))
    for name, value in values.items():
        *groups, last = [group, *name.split(".")]
        place = document
        for part in groups:
            place = place[part]
        place[last] = value
    text = io.StringIO()
    yaml.dump(document, text)
    with atomic_file(path) as file:
        file.write(text.getvalue().encode())


def override(params: Path, values: Mapping[str, Any]) -> None:
    """Set parameters in a params file: all of them, or none.

    Args:
        params: the file.
        values: by dotted name with the group: `train.epochs`.

    Raises:
        UserError: the result would not be a valid params.yaml; the file stays as it was.
    """
    with TemporaryDirectory() as folder:
        changed = Path(shutil.copy(params, folder))
        for name, value in values.items():
            group, _, rest = name.partition(".")
            try:
                set_values(changed, {rest: value}, group)
            except (KeyError, TypeError):
                raise UserError(
                    f"{name} is not a parameter; params.yaml names all of them, such as train.epochs"
                ) from None
        load_params(changed)
        with atomic_file(params) as file:
            file.write(changed.read_bytes())


def parse_assignments(words: Sequence[str]) -> dict[str, Any]:
    """Parse `group.name=value` words; one word may hold several, separated by spaces.

    Returns:
        The values by dotted name.

    Raises:
        UserError: a word is not an assignment, or its value is not valid YAML.
    """
    values: dict[str, Any] = {}
    for word in " ".join(words).split():
        name, equals, text = word.partition("=")
        if not (equals and text and "." in name):
            raise UserError(f"{word!r} is not an assignment; expected group.name=value, such as train.epochs=3")
        values[name] = parse_value(text)
    return values


def parse_value(text: str) -> Any:
    """Parse a value as it is written in params.yaml: `3`, `null`, `[keras, onnx]`.

    Raises:
        UserError: the text is not valid YAML.
    """
    from ruamel.yaml.error import YAMLError

    try:
        value = _yaml().load(text)
    except YAMLError as error:
        raise UserError(f"{text!r} is not a value for params.yaml: {' '.join(str(error).split())}") from None
    return float(value) if isinstance(value, float) else value  # 1e-3 is a number here; PyYAML would read it as text


def _yaml() -> Any:
    """Make a reader and writer that keeps comments, and writes null and small floats as PyYAML reads them."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes None as null, and floats so that YAML 1.1 reads them as numbers: 1.0e-05 and not 1e-05."""

        def represent_none(self, value: None) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:null", "null")

        def represent_number(self, value: float) -> Any:
            text = repr(value)
            return self.represent_scalar(
                "tag:yaml.org,2002:float", text.replace("e", ".0e") if "e" in text and "." not in text else text
            )

    Representer.add_representer(type(None), Representer.represent_none)
    Representer.add_representer(float, Representer.represent_number)
    yaml = YAML()
    yaml.Representer = Representer
    yaml.preserve_quotes = True
    yaml.width = 120
    return yaml
