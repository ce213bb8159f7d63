"""The stage export writes, runs and checks real conversions of a tiny network; failures are one-line errors."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stage_files import preparation_report, training_record, write_evaluation

from realfake.config.schema import ExportParams
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.json_files import read_json
from realfake.export.converters import open_runner

SIZE = 16
PARAMS = ExportParams(
    formats=["keras", "onnx", "litert_fp32", "litert_int8"],
    calibration_pictures=16,
    check_pictures=40,
    max_accuracy_drop=0.1,
    seed=0,
)


def export_stage(model: Path, prepared: Path, params: ExportParams, output: Path) -> None:
    from export import export

    export(model, prepared, model / "evaluation", params, output)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a prepared folder of dark FAKE and light REAL noise, 32 train and 48 test pictures."""
    folder = tmp_path_factory.mktemp("prepared")
    generator = np.random.default_rng(0)
    for split, count in (("train", 32), ("test", 48)):
        labels = np.arange(count, dtype=np.uint8) % 2
        pictures = generator.integers(0, 128, (count, SIZE, SIZE, 3)) + 64 * labels[:, None, None, None]
        np.save(folder / f"{split}_pictures.npy", pictures.astype(np.uint8))
        np.save(folder / f"{split}_labels.npy", labels)
    preparation_report({"train": 32, "test": 48}, SIZE).write(folder)
    return folder


def save_model(folder: Path, outlier: float) -> Path:
    """Save a network that calls light pictures REAL, with its training record and evaluation.

    Args:
        folder: the folder to write to.
        outlier: factor of a second channel, which the output ignores; with a large factor, 8 bits cannot resolve the
            first channel, so that int8 loses its accuracy.
    """
    import keras
    from keras import layers

    from realfake.models.saving import save_network

    inputs = keras.Input((SIZE, SIZE, 3))
    brightness = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1, use_bias=False, name="brightness")(inputs))
    scaled = layers.Dense(2, use_bias=False, name="scaled")(brightness)
    network = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(scaled))
    network.get_layer("brightness").set_weights([np.full((1, 1, 3, 2), 1 / 3)])
    network.get_layer("scaled").set_weights([np.diag([1.0, outlier])])
    network.get_layer("output").set_weights([np.array([[40.0], [0.0]]), np.array([-15.0])])
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network, folder / "model.keras")
    params = {"preprocess.size": SIZE, "train.weights": "none", "train.keep": "best"}
    params["train.augmentation.corruption"] = 0.3
    training_record(params).write(folder)
    write_evaluation(folder / "evaluation", threshold=0.45)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"), 1.0)


def test_every_file_is_written_run_and_measured(
    model: Path, prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_stage(model, prepared, PARAMS, tmp_path / "export")
    written = {path.name: path.stat().st_size for path in (tmp_path / "export/models").iterdir()}
    assert set(written) == {"model.keras", "model.onnx", "model_fp32.tflite", "model_int8.tflite"}
    results = read_json(tmp_path / "export/formats.json")
    assert results["pictures"] == 40
    assert list(results["formats"]) == PARAMS.formats
    assert [row["accuracy"] for row in results["formats"].values()] == [1.0] * 4
    assert [row["agreement"] for row in results["formats"].values()] == [1.0] * 4
    assert results["formats"]["onnx"]["bytes"] == written["model.onnx"]
    assert results["formats"]["onnx"]["max_difference"] < 0.0002
    description = open_runner(tmp_path / "export/models/model_int8.tflite").description
    assert description is not None
    assert (description.threshold, description.source_size, description.image_size) == (0.45, SIZE, SIZE)
    assert description.model_sha256 == sha256_file(model / "model.keras")
    timings = read_json(tmp_path / "timings/export.json")
    assert list(timings["formats"]) == PARAMS.formats
    assert all(0 < row["p50_ms"] <= row["p95_ms"] for row in timings["formats"].values())
    assert int(timings["machine"]["threads"]) >= 1
    table = capsys.readouterr().out.splitlines()[-5:]
    assert table[0].split()[0] == "format"
    assert [line.split()[0] for line in table[1:]] == PARAMS.formats


def test_the_declared_outputs_have_the_same_bytes_twice(model: Path, prepared: Path, tmp_path: Path) -> None:
    params = PARAMS.model_copy(update={"formats": ["keras", "litert_fp32", "litert_int8"]})
    for name in ("first", "second"):
        export_stage(model, prepared, params, tmp_path / name / "export")
    first, second = tmp_path / "first/export", tmp_path / "second/export"
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert len(files) == 5, "three models, formats.json and the card"
    for path in files:
        assert (first / path).read_bytes() == (second / path).read_bytes(), path


def test_a_format_that_loses_its_accuracy_is_an_error_and_replaces_nothing(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save_model(tmp_path / "model", 1e3)
    output = tmp_path / "export"
    output.mkdir()
    (output / "before").touch()
    with pytest.raises(UserError, match=r"format litert_int8 (collapsed|loses 0\.\d+).*calibration_pictures"):
        export_stage(model, prepared, PARAMS, output)
    assert "litert_int8" in capsys.readouterr().out.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir() if path != model] == ["export"]
    assert [path.name for path in output.iterdir()] == ["before"]


def test_a_file_that_its_runtime_cannot_run_is_an_error_that_names_the_format(prepared: Path, tmp_path: Path) -> None:
    model = save_model(tmp_path / "model", 1e6)
    with pytest.raises(UserError, match=r"litert_int8 .*cannot be run.*export\.formats") as caught:
        export_stage(model, prepared, PARAMS.model_copy(update={"formats": ["litert_int8"]}), tmp_path / "export")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "export").exists()


def test_too_few_pictures_and_a_missing_model_are_one_line_errors(model: Path, prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"1 of 48 test pictures .*at least 2"):
        export_stage(model, prepared, PARAMS.model_copy(update={"check_pictures": 1}), tmp_path / "export")
    with pytest.raises(UserError, match=r"model\.keras is missing"):
        export_stage(tmp_path, prepared, PARAMS, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_the_script_is_imported_without_tensorflow() -> None:
    program = "import export, sys; print([name for name in ('tensorflow', 'mlflow') if name in sys.modules])"
    source = Path(__file__).parents[1] / "src"
    done = subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
