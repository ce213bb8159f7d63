"""A picture file becomes the same network input as in training; unusable files are explained in one line."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import jpeg
from PIL import Image

from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.data.dataset import CLASSES, load_arrays
from realfake.data.images import PictureError, network_input
from realfake.data.preparation import prepare
from realfake.export.converters import ExportSource, write_format
from realfake.inference.detector import SHIPPED, Detector, default_model
from realfake.inference.metadata import Description

PROJECT = Path(__file__).parents[2]
SIZE, NETWORK = 32, 48


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """LiteRT and ONNX files of a network that returns the mean of red, which shows what its input was."""
    import keras
    from keras import layers

    entrance = keras.Input((NETWORK, NETWORK, 3))
    red = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, use_bias=False)(entrance))
    network = keras.Model(entrance, layers.Activation("linear")(red))
    network.layers[1].set_weights([np.array([1, 0, 0], dtype=np.float32).reshape(1, 1, 3, 1)])
    description = Description(SIZE, NETWORK, 0.4, "d" * 64, "m" * 64, {})
    source = ExportSource(network, np.zeros((1, NETWORK, NETWORK, 3), dtype=np.float32), description)
    folder = tmp_path_factory.mktemp("models")
    return [write_format(name, source, folder) for name in ("litert_fp32", "onnx")]


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photograph(side: int = 80) -> Image.Image:
    generator = np.random.default_rng(1)
    small = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return small.resize((side, side * 3 // 4), Image.Resampling.BICUBIC)


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(photograph(), "JPEG", exif=exif)


FILES = {
    "jpeg": encoded(photograph(), "JPEG", quality=80),
    "png": encoded(photograph(), "PNG"),
    "webp": encoded(photograph(), "WEBP"),
    "grey": encoded(photograph().convert("L"), "PNG"),
    "palette": encoded(photograph().convert("P"), "PNG"),
    "rgba": encoded(photograph().convert("RGBA"), "PNG"),
    "16 bit": encoded(Image.fromarray(np.arange(6400, dtype=np.uint16).reshape(80, 80) * 10), "PNG"),
    "rotated": rotated(),
    "cmyk": encoded(photograph().convert("CMYK"), "JPEG"),
    "large": encoded(photograph(2000), "JPEG"),
    "as prepared": jpeg(np.asarray(photograph().resize((SIZE, SIZE)))),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_becomes_the_same_input_as_in_training(models, tmp_path, kind):
    """The stage preprocess and the detector compute the same tensor, bit by bit."""
    flat = [encoded(Image.fromarray(np.full((40, 40, 3), v, dtype=np.uint8)), "PNG") for v in range(0, 250, 10)]
    files = {f"train/{CLASSES[place % 2]}/{place}.png": data for place, data in enumerate(flat[1:])}
    files |= {"test/FAKE/0.png": flat[0], "test/REAL/1.png": FILES[kind]}
    for name, data in files.items():
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / name).write_bytes(data)
    (tmp_path / "prepared").mkdir()
    params = load_params(PROJECT / "recipes/quick.yaml").preprocess
    prepare(tmp_path / "raw", params, tmp_path / "prepared")
    trained, labels = load_arrays(tmp_path / "prepared", "test")
    for path in models:
        found = Detector(path).classify(FILES[kind])
        np.testing.assert_array_equal(found.resized, trained[labels == 1][0])
        tensor = network_input(found.resized[None], NETWORK)
        assert found.probability == pytest.approx(float(tensor[..., 0].mean()), abs=1e-5)


def test_the_label_follows_the_threshold_in_the_file(models):
    for value, label in ((90, "FAKE"), (110, "REAL")):  # 0.4 of 255 is 102
        found = Detector(models[0]).classify(encoded(Image.new("RGB", (40, 40), (value, 0, 0)), "PNG"))
        assert found.label == label
        expected = value / 255 if label == "REAL" else 1 - value / 255
        assert found.confidence == pytest.approx(expected, abs=1e-5)


def test_an_unusable_file_says_why(models):
    detector = Detector(models[0])
    two = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    for data, reason in (
        (b"", "empty"),
        (b"text", "not a picture"),
        (FILES["jpeg"][:200], "damaged|not a picture"),
        (encoded(two[0], "GIF", save_all=True, append_images=two[1:]), "animation"),
        (encoded(Image.new("RGB", (20, 40)), "PNG"), "20 x 40"),
    ):
        with pytest.raises(PictureError, match=reason):
            detector.classify(data)


def test_an_unusable_model_file_is_explained_in_one_line(models, tmp_path):
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(models[0].read_bytes().partition(b"PK\x03\x04")[0])
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"damaged")
    for path, reason in (
        (tmp_path / "none.tflite", "none.tflite is missing"),
        (tmp_path / "model.keras", r"model\.keras.*\.onnx, \.tflite"),
        (bare, "bare.tflite.*metadata"),
        (damaged, "damaged.onnx cannot be loaded"),
    ):
        with pytest.raises(UserError, match=reason) as error:
            Detector(path)
        assert "\n" not in str(error.value)


def test_the_shipped_file_is_used_until_a_network_was_trained(tmp_path):
    shipped, own = tmp_path / SHIPPED, tmp_path / "outputs/export/models/model.onnx"
    with pytest.raises(UserError, match="--model"):
        default_model(tmp_path)
    for file in (shipped, own):
        file.parent.mkdir(parents=True)
    shipped.touch()
    assert default_model(tmp_path) == shipped
    own.touch()
    assert default_model(tmp_path) == own
    own.unlink()
    (tmp_path / "outputs/model").mkdir()
    with pytest.raises(UserError, match="--model"):  # a training whose export failed
        default_model(tmp_path)
