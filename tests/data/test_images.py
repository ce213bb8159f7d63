"""Picture files of any type become network input in one way, and unusable files are one-line errors."""

import contextlib
import io
import random

import keras
import numpy as np
import pytest
from PIL import Image

from realfake.core.errors import UserError
from realfake.data.images import PictureError, decode, network_input, to_source_size


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def gradient(mode: str = "RGB") -> Image.Image:
    ramp = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (48, 1))
    return Image.fromarray(np.stack([ramp, ramp[:, ::-1], ramp // 2], -1)).convert(mode)


@pytest.mark.parametrize("size", [48, 64, 100])
def test_upscaling_is_bilinear_with_half_pixel_centres(size):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    expected = keras.ops.image.resize(pictures.astype("float32") / 255, (size, size), interpolation="bilinear")
    result = network_input(pictures, size)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, keras.ops.convert_to_numpy(expected), atol=1e-5)


@pytest.mark.parametrize("size", [64, 128, 224])
def test_the_input_of_a_picture_does_not_depend_on_its_batch(size):
    """Compare bits, because matrix products of other shapes round differently."""
    pictures = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    together = network_input(pictures, size)
    for count in (1, 3, 16):
        for start in range(0, 40, count):
            assert np.array_equal(network_input(pictures[start : start + count], size), together[start : start + count])


def test_network_input_keeps_pictures_of_its_own_size_and_refuses_larger_ones():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    assert np.array_equal(np.round(network_input(pictures, 32) * 255), pictures)
    with pytest.raises(UserError, match=r"train.image_size 16 .*preprocess.size 32"):
        network_input(pictures, 16)


def test_a_picture_of_source_size_is_unchanged_and_a_larger_one_is_cropped_and_reduced():
    small = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(to_source_size(decode(encoded(Image.fromarray(small), "PNG")), 32), small)
    wide = np.zeros((64, 128, 3), dtype=np.uint8)
    wide[:, 32:96] = 200  # the central square
    assert (to_source_size(Image.fromarray(wide), 32) == 200).all()


def test_reduction_is_antialiased():
    board = (np.indices((128, 128)).sum(0) % 2 * 255).astype(np.uint8)
    reduced = to_source_size(Image.fromarray(np.stack([board] * 3, -1)), 32)
    assert abs(reduced.astype(int) - 127).max() < 20  # sampling without a filter gives 0 or 255


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_every_mode_becomes_rgb(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = decode(encoded(gradient(mode), kind))
    assert (image.mode, image.size) == ("RGB", (64, 48))


def test_sixteen_bits_are_scaled_transparency_is_white_and_exif_rotation_is_applied():
    deep = Image.fromarray(np.full((40, 40), 32768, dtype=np.uint16))
    assert np.asarray(decode(encoded(deep, "PNG")))[0, 0].tolist() == [128, 128, 128]
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert np.asarray(decode(encoded(clear, "PNG")))[0, 0].tolist() == [255, 255, 255]
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    assert decode(encoded(gradient(), "JPEG", exif=exif)).size == (48, 64)


def test_a_damaged_file_raises_picture_error_and_no_other_exception():
    generator = random.Random(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind, options in (("JPEG", {"exif": exif}), ("PNG", {}), ("WEBP", {}), ("TIFF", {}), ("GIF", {}), ("DDS", {})):
        whole = encoded(gradient(), kind, **options)
        for _ in range(150):
            damaged = bytearray(whole[: generator.choice((len(whole), generator.randrange(len(whole))))])
            for _ in range(min(len(damaged), generator.randrange(1, 8))):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
            with contextlib.suppress(PictureError):
                decode(bytes(damaged))


def test_unusable_files_are_one_line_errors(monkeypatch):
    jpeg = encoded(gradient(), "JPEG")
    frames = [gradient(), gradient().rotate(180)]
    for data, expected in [
        (b"", "empty"),
        (b"not a picture", "not a picture"),
        (jpeg[: len(jpeg) // 2], "damaged"),
        (encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), "animation"),
    ]:
        with pytest.raises(PictureError, match=expected):
            decode(data)
    with pytest.raises(PictureError, match=r"64 x 48.*96 x 96"):
        to_source_size(decode(jpeg), 96)
    monkeypatch.setattr("realfake.data.images.MAX_PIXELS", 1000)
    with pytest.raises(PictureError, match=r"1,000 pixels"):
        decode(jpeg)
