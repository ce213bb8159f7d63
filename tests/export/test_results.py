"""Results of export are read back as they were written, speeds of another model are ignored, and tables are aligned."""

import json
from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.export.results import (
    FORMAT_COLUMNS,
    FORMATS_FILE,
    TIMINGS_FILE,
    ExportResults,
    ExportTimings,
    Quality,
    Speed,
    format_rows,
    format_table,
    measured_speeds,
)

QUALITY = Quality(bytes=1_500_000, accuracy=0.75, agreement=1.0, max_difference=0.0)
SPEED = Speed(p50_ms=1.5, p95_ms=2.5, pictures_per_second=1234.0, cold_start_ms=12.0)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Write the outputs of a project in which export has run."""
    ExportResults(1000, {"onnx": QUALITY}).write(tmp_path / "export")
    (tmp_path / "model").mkdir()
    model = tmp_path / "model/model.keras"
    model.write_bytes(b"weights")
    ExportTimings(sha256_file(model), {"threads": "2"}, {"onnx": SPEED}).write(tmp_path / "timings")
    return tmp_path


def test_results_and_timings_are_read_back_as_they_were_written(outputs: Path) -> None:
    assert ExportResults.read(outputs / "export") == ExportResults(1000, {"onnx": QUALITY})
    assert ExportTimings.read(outputs / "timings").machine == {"threads": "2"}
    assert json.loads((outputs / "export" / FORMATS_FILE).read_text()) == {
        "pictures": 1000,
        "formats": {"onnx": {"bytes": 1_500_000, "accuracy": 0.75, "agreement": 1.0, "max_difference": 0.0}},
    }


def test_speeds_are_ignored_if_they_are_missing_or_of_another_model(outputs: Path) -> None:
    assert measured_speeds(outputs) == {"onnx": SPEED}
    (outputs / "model/model.keras").write_bytes(b"other weights")
    assert measured_speeds(outputs) == {}
    (outputs / "model/model.keras").unlink()
    assert measured_speeds(outputs) == {}
    (outputs / "model/model.keras").write_bytes(b"weights")
    (outputs / "timings" / TIMINGS_FILE).unlink()
    assert measured_speeds(outputs) == {}


def test_a_missing_or_damaged_file_is_a_one_line_error(outputs: Path) -> None:
    (outputs / "timings" / TIMINGS_FILE).write_text("{}")
    with pytest.raises(UserError, match=rf"{TIMINGS_FILE} is damaged .*`dvc repro export --force`"):
        measured_speeds(outputs)
    (outputs / "export" / FORMATS_FILE).write_text('{"pictures": 1, "formats": {"onnx": {}}}')
    with pytest.raises(UserError, match=rf"{FORMATS_FILE} is damaged.*formats\.onnx\.bytes.*`dvc repro export`"):
        ExportResults.read(outputs / "export")
    (outputs / "export" / FORMATS_FILE).unlink()
    with pytest.raises(UserError, match=rf"{FORMATS_FILE} is missing.*`dvc repro export`"):
        ExportResults.read(outputs / "export")


def test_the_table_is_aligned_and_has_dashes_without_timings() -> None:
    lines = format_table({"litert_int8": QUALITY}, {"litert_int8": SPEED}).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["litert_int8", "1.50", "1.50", "2.50", "1,234", "12", "75.00%", "100.00%", "0.0000"]
    (row,) = format_rows({"litert_int8": QUALITY}, {})
    assert len(row) == len(FORMAT_COLUMNS)
    assert row[2:6] == ("-",) * 4
