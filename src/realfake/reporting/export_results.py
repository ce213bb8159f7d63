"""What export has left, read back: the formats, and their speed where it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from realfake.core.files import sha256_file
from realfake.core.json_files import read_json
from realfake.export.comparison import Quality, Speed


@dataclass(frozen=True)
class Formats:
    """The exported formats, by name."""

    pictures: int
    """Test pictures that they were compared on."""
    qualities: Mapping[str, Quality]
    speeds: Mapping[str, Speed]
    """Empty where they were not measured here, on this model."""


def formats_of(root: Path) -> Formats:
    """What export wrote.

    Raises:
        UserError: it has not run yet.
    """
    export = read_json(root / "outputs/export/formats.json")
    measured, model = root / "outputs/timings/export.json", root / "outputs/model/model.keras"
    timings = read_json(measured) if measured.is_file() else {}
    same = model.is_file() and timings.get("model") == sha256_file(model)
    return Formats(export["pictures"], export["formats"], timings["formats"] if same else {})
