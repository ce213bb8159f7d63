"""Read and write the results of export: outputs/export/formats.json, and the timings in outputs/timings/export.json.

Timings differ on every run, so their file is no declared output.
"""

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
    """Hold the quality of a format's predictions, which is the same on every run on one machine."""

    bytes: int
    """Size of the file in bytes."""
    accuracy: float
    """Accuracy, 0 to 1."""
    agreement: float
    """Fraction of pictures with the same predicted label as in Keras."""
    max_difference: float
    """Largest absolute difference of P(REAL) from Keras, to four decimals; 1 if a P(REAL) is NaN."""


@dataclass(frozen=True)
class Speed:
    """Hold the speed of a format, which differs on every run."""

    p50_ms: float
    """Median time for one picture, in milliseconds."""
    p95_ms: float
    """95th percentile of the time for one picture, in milliseconds."""
    pictures_per_second: float
    """Throughput in batches."""
    cold_start_ms: float
    """Milliseconds to load the file and predict one picture; the runtime is imported, the file in the disk cache."""


@dataclass(frozen=True)
class ExportResults:
    """Hold the quality of the exported formats; the fields are those of formats.json."""

    pictures: int
    """Number of test pictures that the formats were compared on."""
    formats: Mapping[str, Quality]
    """Quality by format name."""

    @classmethod
    def read(cls, export: Path) -> "ExportResults":
        """Read formats.json from the folder that export wrote.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, export / FORMATS_FILE, _COMMAND)

    def write(self, export: Path) -> None:
        """Write formats.json into the folder of the exported formats."""
        write_json(export / FORMATS_FILE, asdict(self))


@dataclass(frozen=True)
class ExportTimings:
    """Hold the speed of the exported formats on one machine; the fields are those of timings/export.json."""

    model: str
    """SHA-256 of the exported network's model.keras, 64 hex digits."""
    machine: Mapping[str, str]
    """Description of the machine: properties by name."""
    formats: Mapping[str, Speed]
    """Speed by format name."""

    @classmethod
    def read(cls, timings: Path) -> "ExportTimings":
        """Read export.json from the folder of timings.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, timings / TIMINGS_FILE, f"{_COMMAND} --force")

    def write(self, timings: Path) -> None:
        """Write export.json into the folder of timings."""
        write_json(timings / TIMINGS_FILE, asdict(self))


def measured_speeds(outputs: Path) -> Mapping[str, Speed]:
    """Return the speeds by format name, or nothing if they were not measured in this checkout on its present network.

    Args:
        outputs: the folder of all stages' outputs.

    Raises:
        UserError: the timings file is damaged.
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
"""Column titles of the table of formats."""


def format_rows(qualities: Mapping[str, Quality], speeds: Mapping[str, Speed]) -> list[tuple[str, ...]]:
    """Return the cells of the table, a row for each format, with dashes for speeds that are not known."""
    return [
        (name, f"{found.bytes / 1e6:.2f}", *_speed_cells(speeds.get(name)), *_quality_cells(found))
        for name, found in qualities.items()
    ]


def format_table(qualities: Mapping[str, Quality], speeds: Mapping[str, Speed]) -> str:
    """Return the table of formats as aligned text for a terminal."""
    return aligned_table(FORMAT_COLUMNS, format_rows(qualities, speeds))


def _speed_cells(speed: Speed | None) -> tuple[str, ...]:
    if speed is None:
        return ("-",) * 4
    rate, start = f"{speed.pictures_per_second:,.0f}", f"{speed.cold_start_ms:.0f}"
    return f"{speed.p50_ms:.2f}", f"{speed.p95_ms:.2f}", rate, start


def _quality_cells(found: Quality) -> tuple[str, ...]:
    return f"{found.accuracy:.2%}", f"{found.agreement:.2%}", f"{found.max_difference:.4f}"
