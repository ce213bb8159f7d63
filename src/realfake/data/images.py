"""Turn picture files into network input. Training, evaluation and inference agree because all of them use this module.

It needs only NumPy and Pillow, so that inference works without TensorFlow.
"""

import io
import warnings
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from realfake.core.arrays import Inputs, Pictures
from realfake.core.errors import UserError, one_line

MAX_PIXELS = 100_000_000
"""Largest number of pixels: larger pictures are refused before decoding, since kilobytes can unpack to gigabytes."""
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", module=r"PIL\.")  # Pillow warns of what is refused here, or of what is harmless


class PictureError(UserError):
    """Signal a file that cannot be used as a picture; the message gives the reason without the file's name."""


def decode(data: bytes) -> Image.Image:
    """Decode one picture as a viewer shows it: EXIF rotation applied, transparency on white, 8-bit RGB.

    Args:
        data: content of a file in any still format that Pillow reads.

    Raises:
        PictureError: the file is no picture, is truncated or animated, or has more than MAX_PIXELS pixels.
    """
    if not data:
        raise PictureError("the file is empty")
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError(f"more than {MAX_PIXELS:,} pixels")
            if image.format in ("EPS", "WMF"):  # Pillow would start an external program to decode these
                raise PictureError("a vector drawing; give a picture made of pixels")
            if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:  # MPO: a photograph with a depth map
                raise PictureError("an animation; give one still picture")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise PictureError(f"more than {MAX_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise PictureError("not a picture that Pillow can read") from None
    except PictureError:
        raise
    except Exception as error:  # Pillow's format readers raise many exception types for damaged files
        raise PictureError(f"damaged picture: {one_line(error)}") from None


def to_source_size(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """Bring a picture to source resolution: cut the central square and reduce it with antialiasing (Lanczos).

    A large photograph is thus presented to the network in the size of its training pictures. A picture of size x size
    is returned unchanged.

    Args:
        image: 8-bit RGB image.
        size: side S in pixels.

    Returns:
        uint8 (S, S, 3).

    Raises:
        PictureError: the shorter side is below `size`; enlarging would invent detail.
    """
    side = min(image.size)
    if side < size:
        raise PictureError(f"{image.width} x {image.height} pixels are too few; at least {size} x {size} are needed")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)) if image.width != image.height else image
    if side != size:
        square = square.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(square, dtype=np.uint8)


def network_input(pictures: Pictures, image_size: int) -> Inputs:
    """Scale source pictures to [0, 1] and upscale them to the network's input size.

    Upscaling is bilinear with half-pixel centres and clamped borders, the convention of TensorFlow 2, PyTorch
    (align_corners=False) and OpenCV.

    Args:
        pictures: uint8 (N, S, S, 3).
        image_size: side of the input in pixels, at least S.

    Returns:
        float32 (N, image_size, image_size, 3) in [0, 1].

    Raises:
        UserError: `image_size` is below S.
    """
    size = pictures.shape[1]
    if image_size < size:
        raise UserError(f"train.image_size {image_size} is below preprocess.size {size}; raise one or lower the other")
    scaled = pictures.astype(np.float32) / np.float32(255)
    if image_size == size:
        return scaled
    rows, columns = _interpolation(size, image_size)
    count = len(scaled)
    # Columns first, while there are few rows: half the work. Picture by picture: the result is the same in any batch.
    wide = np.matmul(scaled.reshape(count, size, size * 3), columns)
    tall: Inputs = np.matmul(rows, wide)
    return tall.reshape(count, image_size, image_size, 3)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any Pillow mode to 8-bit RGB: 16-bit and float grey values are scaled, transparency is put on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        peak = 65535 if image.mode != "F" else max(float(values.max()), 1.0)
        grey = np.clip(values.astype(np.float64) * (255 / peak), 0, 255)
        return Image.fromarray(np.round(grey).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache
def _interpolation(size: int, image_size: int) -> tuple[Inputs, Inputs]:
    """Return the interpolation matrices: (image_size, size) for rows, (size * 3, image_size * 3) for RGB columns.

    Two large matrix products take a fifth of the time of a contraction by axes, though most of the second is zeros.
    """
    centres = (np.arange(image_size) + 0.5) * (size / image_size) - 0.5
    low = np.floor(centres).astype(int)
    fraction = centres - low
    weights = np.zeros((image_size, size), dtype=np.float32)
    rows = np.arange(image_size)
    np.add.at(weights, (rows, np.clip(low, 0, size - 1)), 1 - fraction)
    np.add.at(weights, (rows, np.clip(low + 1, 0, size - 1)), fraction)
    return weights, np.kron(weights.T, np.eye(3, dtype=np.float32))
