"""Changing params.yaml in place: values move, comments and order stay."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realfake.core.errors import UserError
from realfake.core.files import atomic_file


def fragment(values: Mapping[str, Any], group: str = "train") -> str:
    """A part of params.yaml that holds some parameters of a group, by dotted name."""
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


def apply(path: Path, values: Mapping[str, Any], group: str = "train") -> None:
    """Set parameters of a group in a params file; it keeps its comments and its order."""
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


def value_of(text: str) -> Any:
    """The value that a text stands for in params.yaml: `3`, `null`, `[keras, onnx]`.

    Raises:
        UserError: it stands for none.
    """
    from ruamel.yaml.error import YAMLError

    try:
        value = _yaml().load(text)
    except YAMLError as error:
        raise UserError(f"{text!r} is no value of params.yaml: {' '.join(str(error).split())}") from None
    return float(value) if isinstance(value, float) else value  # 1e-3 as a number, which PyYAML takes for a text


def _yaml() -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes null as such, and floats so that YAML 1.1 reads them as numbers: 1.0e-05 and not 1e-05."""

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
