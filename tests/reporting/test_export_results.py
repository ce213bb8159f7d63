"""Formats as export left them; speeds of another model are none."""

import shutil
from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import write_json
from realfake.reporting.export_results import formats_of

QUALITY = {"bytes": 1_100_000, "accuracy": 0.93, "agreement": 1.0, "max_difference": 0.0}
SPEED = {"p50_ms": 1.25, "p95_ms": 1.5, "pictures_per_second": 900.0, "cold_start_ms": 11.0}


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A project in which export has run."""
    write_json(tmp_path / "outputs/export/formats.json", {"pictures": 1000, "formats": {"onnx": QUALITY}})
    model = tmp_path / "outputs/model/model.keras"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    write_json(tmp_path / "outputs/timings/export.json", {"model": sha256_file(model), "formats": {"onnx": SPEED}})
    return tmp_path


def test_formats_come_with_their_speed(exported: Path) -> None:
    formats = formats_of(exported)
    assert (formats.pictures, formats.qualities, formats.speeds) == (1000, {"onnx": QUALITY}, {"onnx": SPEED})


def test_speeds_of_another_model_are_left_out(exported: Path) -> None:
    (exported / "outputs/model/model.keras").write_bytes(b"other weights")
    assert formats_of(exported).speeds == {}
    (exported / "outputs/model/model.keras").unlink()
    assert formats_of(exported).speeds == {}


def test_what_has_not_run_is_one_line(exported: Path) -> None:
    shutil.rmtree(exported / "outputs/timings")
    assert formats_of(exported).speeds == {}
    shutil.rmtree(exported / "outputs/export")
    with pytest.raises(UserError, match=r"formats.json is missing; `dvc repro` makes it"):
        formats_of(exported)
