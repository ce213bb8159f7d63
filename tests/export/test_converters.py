"""Every exported file predicts what its network predicts, in its own runtime."""

import errno
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realfake.core.arrays import Inputs
from realfake.core.errors import UserError
from realfake.export.converters import FORMATS, ExportSource, network_runner, open_runner, write_format
from realfake.inference.metadata import Description

SIZE = 16
DESCRIPTION = Description(SIZE, SIZE, 0.5, "d" * 64, "m" * 64, {"accuracy": 0.9})
TOLERANCE = {"litert_fp16": 0.005, "litert_dynamic": 0.02, "litert_int8": 0.05}


@pytest.fixture(scope="module")
def pictures() -> Inputs:
    """Draw dark and light noise, float32 (24, SIZE, SIZE, 3)."""
    generator = np.random.default_rng(0)
    light = generator.uniform(0.2, 1, (24, 1, 1, 1))
    return (generator.random((24, SIZE, SIZE, 3)) * light).astype(np.float32)


@pytest.fixture(scope="module")
def source(pictures: Inputs) -> ExportSource:
    """Build a tiny residual network with non-trivial BatchNormalization, which predicts both classes."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)))
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y])))
    network = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.5)(x)))
    generator = np.random.default_rng(1)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    kernel, _ = network.layers[-1].get_weights()
    network.layers[-1].set_weights([kernel * 4, np.zeros(1)])
    negative_logits = np.log(1 / network_runner(network)(pictures) - 1)
    network.layers[-1].set_weights([kernel * 4, np.full(1, np.median(negative_logits))])
    return ExportSource(network, pictures, DESCRIPTION)


@pytest.fixture(scope="module")
def files(source: ExportSource, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("formats")
    return {name: write_format(name, source, folder) for name in FORMATS}


@pytest.fixture(scope="module")
def expected(source: ExportSource, pictures: Inputs) -> np.ndarray:
    return network_runner(source.network)(pictures)


def test_the_network_of_these_tests_predicts_both_classes(expected: np.ndarray) -> None:
    assert np.ptp(expected) > 0.1
    assert 0 < np.mean(expected >= 0.5) < 1


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_predicts_what_keras_predicts(
    name: str, files: dict[str, Path], pictures: Inputs, expected: np.ndarray
) -> None:
    runner = open_runner(files[name], threads=1)
    assert runner.image_size == SIZE
    assert runner.description == DESCRIPTION
    probabilities = runner(pictures)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (len(pictures),)
    np.testing.assert_allclose(probabilities, expected, atol=TOLERANCE.get(name, 1e-5))


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("litert") or name == "onnx"])
def test_batches_and_single_pictures_in_any_order_agree(name: str, files: dict[str, Path], pictures: Inputs) -> None:
    runner = open_runner(files[name])
    one, many, again = runner(pictures[:1]), runner(pictures), runner(pictures[:1])
    np.testing.assert_allclose(one, many[:1], atol=1e-6)
    np.testing.assert_array_equal(one, again)


def test_int8_computes_in_8_bits_with_float_input_and_output(files: dict[str, Path]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(files["litert_int8"]))
    interpreter.allocate_tensors()
    kinds = [detail["dtype"] for detail in interpreter.get_tensor_details() if len(detail["shape"]) == 4]
    assert interpreter.get_input_details()[0]["dtype"] == interpreter.get_output_details()[0]["dtype"] == np.float32
    assert kinds.count(np.float32) == 1  # the input
    assert np.int8 in kinds


def test_in_onnx_batch_normalization_is_folded_and_tensors_have_our_names(files: dict[str, Path]) -> None:
    import onnx

    graph = onnx.load(files["onnx"]).graph
    assert "BatchNormalization" not in {node.op_type for node in graph.node}
    assert (graph.input[0].name, graph.output[0].name) == ("pictures", "probability_real")
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "pictures"


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "onnx"])
def test_writing_twice_gives_the_same_bytes(
    name: str, files: dict[str, Path], source: ExportSource, tmp_path: Path
) -> None:
    again = write_format(name, ExportSource(source.network, source.calibration, DESCRIPTION), tmp_path)
    assert again.read_bytes() == files[name].read_bytes()


def test_onnx_and_litert_files_run_without_importing_tensorflow(files: dict[str, Path]) -> None:
    program = (
        "import sys, numpy as np; from pathlib import Path; from realfake.export.converters import open_runner\n"
        f"for path in sys.argv[1:]: open_runner(Path(path))(np.zeros((2, {SIZE}, {SIZE}, 3), np.float32))\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    paths = [str(files[name]) for name in FORMATS if name != "keras"]
    source_folder = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], cwd=source_folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


@pytest.mark.parametrize("suffix", [".keras", ".onnx", ".tflite"])
def test_a_damaged_file_is_a_one_line_error(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"not a model")
    with pytest.raises(UserError, match=rf"model\{suffix} .*loaded.*dvc repro") as caught:
        open_runner(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_an_unknown_suffix_are_one_line_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.onnx is missing.*`dvc repro export`"):
        open_runner(tmp_path / "model.onnx")
    with pytest.raises(UserError, match=r"\.keras, \.onnx, \.tflite"):
        open_runner(tmp_path / "model.pt")


@pytest.mark.parametrize("name", ["keras", "onnx", "litert_fp32"])
def test_a_network_with_another_output_is_an_error(name: str, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((SIZE, SIZE, 3))
    network = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(inputs)))
    path = write_format(name, ExportSource(network, np.zeros((1, SIZE, SIZE, 3), np.float32), DESCRIPTION), tmp_path)
    with pytest.raises(UserError, match=r"maps .*10.*; expected .*pictures.*P\(REAL\)"):
        open_runner(path)


def test_a_failed_conversion_names_the_format(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import keras

    inputs = keras.Input((SIZE, SIZE, 3))
    unknown_to_litert = keras.ops.erfinv(keras.layers.GlobalAveragePooling2D()(inputs))
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(unknown_to_litert))
    with pytest.raises(UserError, match=r"cannot be converted to format litert_fp32.*export\.formats") as caught:
        write_format(
            "litert_fp32", ExportSource(network, np.zeros((1, SIZE, SIZE, 3), np.float32), DESCRIPTION), tmp_path
        )
    assert "\n" not in str(caught.value)
    assert "Erfinv" in "".join(capfd.readouterr())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["keras", "onnx", "litert_fp32"])
def test_an_unwritable_file_names_the_format(name: str, source: ExportSource, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match=f"format {name} ") as caught:
            write_format(name, source, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert not list(tmp_path.iterdir())
