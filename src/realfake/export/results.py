"""What export found: outputs/export/formats.json, and timings, which vary by nature, in outputs/timings/export.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.files import sha256_file
from realfake.core.json_files import read_record, write_json
from realfake.core.text_tables import aligned_table

FORMATS_FILE = "formats.json"
TIMINGS_FILE = "export.json"
_COMMAND = "dvc repro export"


@dataclass(frozen=True)
class Quality:
    """What a format answers; the same on every run of one machine."""

    bytes: int
    """Size of its file."""
    accuracy: float
    agreement: float
    """Share of pictures that get the label that Keras gives them."""
    max_difference: float
    """Largest absolute difference of P(REAL) from Keras, to four decimals; 1 where an answer is no number."""


@dataclass(frozen=True)
class Speed:
    """How fast a format answers; differs on every run."""

    p50_ms: float
    """Median time for one picture, in milliseconds."""
    p95_ms: float
    pictures_per_second: float
    """In batches."""
    cold_start_ms: float
    """Loading the file and answering for one picture; its runtime is already imported, its file already read once."""


@dataclass(frozen=True)
class ExportResults:
    """What the exported formats answer; its fields are those of formats.json."""

    pictures: int
    """Test pictures that they were compared on."""
    formats: Mapping[str, Quality]
    """By the formats' names."""

    @classmethod
    def read(cls, export: Path) -> "ExportResults":
        """Read what stands in the folder that export wrote.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, export / FORMATS_FILE, _COMMAND)

    def write(self, export: Path) -> None:
        """Write formats.json into the folder of the exported formats."""
        write_json(export / FORMATS_FILE, asdict(self))


@dataclass(frozen=True)
class ExportTimings:
    """How fast the exported formats are on one machine; its fields are those of timings/export.json."""

    model: str
    """SHA-256 of the network that they were made from, 64 hex digits."""
    machine: Mapping[str, str]
    """What describes the machine, by name."""
    formats: Mapping[str, Speed]

    @classmethod
    def read(cls, timings: Path) -> "ExportTimings":
        """Read what stands in the folder of timings.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, timings / TIMINGS_FILE, f"{_COMMAND} --force")

    def write(self, timings: Path) -> None:
        """Write export.json into the folder of timings."""
        write_json(timings / TIMINGS_FILE, asdict(self))


def measured_speeds(outputs: Path) -> Mapping[str, Speed]:
    """How fast the formats are, by name; empty where that was not measured in this checkout, on its present network.

    Args:
        outputs: the folder of all stages' outputs.

    Raises:
        UserError: the file of timings is damaged.
    """
    model = outputs / "model/model.keras"
    if not model.is_file() or not (outputs / "timings" / TIMINGS_FILE).is_file():
        return {}
    timings = ExportTimings.read(outputs / "timings")
    return timings.formats if timings.model == sha256_file(model) else {}


FORMAT_COLUMNS = (
    *("format", "size MB", "p50 ms", "p95 ms", "pictures/s", "cold ms"),
    *("accuracy", "agreement", "max |diff|"),
)


def format_rows(qualities: Mapping[str, Quality], speeds: Mapping[str, Speed]) -> list[tuple[str, ...]]:
    """The cells of a table of FORMAT_COLUMNS, a row for each format; dashes where a format's speed is not known."""
    return [
        (name, f"{found.bytes / 1e6:.2f}", *_speed_cells(speeds.get(name)), *_quality_cells(found))
        for name, found in qualities.items()
    ]


def format_table(qualities: Mapping[str, Quality], speeds: Mapping[str, Speed]) -> str:
    """The formats as aligned text, one line each, for a terminal."""
    return aligned_table(FORMAT_COLUMNS, format_rows(qualities, speeds))


def _speed_cells(speed: Speed | None) -> tuple[str, ...]:
    if speed is None:
        return ("-",) * 4
    rate, start = f"{speed.pictures_per_second:,.0f}", f"{speed.cold_start_ms:.0f}"
    return f"{speed.p50_ms:.2f}", f"{speed.p95_ms:.2f}", rate, start


def _quality_cells(found: Quality) -> tuple[str, ...]:
    return f"{found.accuracy:.2%}", f"{found.agreement:.2%}", f"{found.max_difference:.4f}"
