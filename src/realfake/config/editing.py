"""Changing params.yaml in place: values move, comments and order stay."""

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.config.schema import load_params
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


def override(params: Path, values: Mapping[str, Any]) -> None:
    """Set parameters of any groups by their dotted names, `train.epochs`: all of them, or none.

    Raises:
        UserError: the result would be no valid params.yaml; the file stays as it was.
    """
    with TemporaryDirectory() as folder:
        changed = Path(shutil.copy(params, folder))
        for name, value in values.items():
            group, _, rest = name.partition(".")
            try:
                apply(changed, {rest: value}, group)
            except (KeyError, TypeError):
                raise UserError(f"{name} is no parameter; params.yaml names them all, such as train.epochs") from None
        load_params(changed)
        with atomic_file(params) as file:
            file.write(changed.read_bytes())


def assignments(words: Sequence[str]) -> dict[str, Any]:
    """Read names and values from `name=value` words; one argument may hold several, with spaces between.

    Raises:
        UserError: a word is no assignment.
    """
    values: dict[str, Any] = {}
    for word in " ".join(words).split():
        name, equals, text = word.partition("=")
        if not (equals and text and "." in name):
            raise UserError(f"{word!r} is no assignment; expected group.name=value, such as train.epochs=3")
        values[name] = value_of(text)
    return values


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
