"""From a picture file to the network's input as in training, and what cannot be used in one line."""

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
from realfake.inference.detector import SHIPPED, Detector, exported_model
from realfake.inference.metadata import Description

PROJECT = Path(__file__).parents[2]
SIZE, NETWORK = 32, 48


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """LiteRT and ONNX files of a network that answers with the mean of red, which shows what it was given."""
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
def test_a_picture_meets_the_network_as_in_training(models, tmp_path, kind):
    """The stage preprocess on one side, the detector on the other: the same tensor, to the bit."""
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
        answer = Detector(path).look(FILES[kind])
        np.testing.assert_array_equal(answer.seen, trained[labels == 1][0])
        tensor = network_input(answer.seen[None], NETWORK)
        assert answer.probability == pytest.approx(float(tensor[..., 0].mean()), abs=1e-5)


def test_the_threshold_of_the_file_decides(models):
    for value, label in ((90, "FAKE"), (110, "REAL")):  # 0.4 of 255 is 102
        answer = Detector(models[0]).look(encoded(Image.new("RGB", (40, 40), (value, 0, 0)), "PNG"))
        assert answer.label == label
        expected = value / 255 if label == "REAL" else 1 - value / 255
        assert answer.confidence == pytest.approx(expected, abs=1e-5)


def test_what_is_no_picture_says_why(models):
    detector = Detector(models[0])
    two = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    for data, reason in (
        (b"", "the file is empty"),
        (b"text", "not a picture that Pillow can read"),
        (FILES["jpeg"][:200], "damaged picture|not a picture"),
        (encoded(two[0], "GIF", save_all=True, append_images=two[1:]), "an animation; give one still picture"),
        (encoded(Image.new("RGB", (20, 40)), "PNG"), "20 x 40 pixels are too few"),
    ):
        with pytest.raises(PictureError, match=reason):
            detector.look(data)


def test_a_model_of_another_kind_is_one_line(models, tmp_path):
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(models[0].read_bytes().partition(b"PK\x03\x04")[0])
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"damaged")
    for path, reason in (
        (tmp_path / "none.tflite", "is missing; `dvc repro export` makes"),
        (tmp_path / "model.keras", "has no known format; expected a file that ends in .onnx, .tflite"),
        (bare, "does not say how to use it"),
        (damaged, "cannot be loaded"),
    ):
        with pytest.raises(UserError, match=reason) as error:
            Detector(path)
        assert "\n" not in str(error.value)


def test_the_shipped_file_answers_until_something_was_trained(tmp_path):
    shipped, own = tmp_path / SHIPPED, tmp_path / "outputs/export/models/model.onnx"
    with pytest.raises(UserError, match="holds no model"):
        exported_model(tmp_path)
    for file in (shipped, own):
        file.parent.mkdir(parents=True)
    shipped.touch()
    assert exported_model(tmp_path) == shipped
    own.touch()
    assert exported_model(tmp_path) == own
    own.unlink()
    (tmp_path / "outputs/model").mkdir()
    with pytest.raises(UserError, match="holds no model"):  # a training whose export failed
        exported_model(tmp_path)
