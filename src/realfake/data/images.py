"""The only code that turns pixels into network input: training, evaluation and inference agree because all call it.

NumPy and Pillow only, so that inference needs no TensorFlow.
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
"""Pictures of more pixels are refused before they are decoded: a few kilobytes can unpack to gigabytes."""
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", module=r"PIL\.")  # what it warns of is refused here, or harmless


class PictureError(UserError):
    """A file that cannot be used as a picture; the message says why, without naming the file."""


def decode(data: bytes) -> Image.Image:
    """Decode one picture as people see it: EXIF rotation applied, transparency on white, 8-bit RGB.

    Args:
        data: a whole file in any still format that Pillow reads.

    Raises:
        PictureError: no picture, truncated, animated, or more than MAX_PIXELS pixels.
    """
    if not data:
        raise PictureError("the file is empty")
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError(f"more than {MAX_PIXELS:,} pixels")
            if image.format in ("EPS", "WMF"):  # decoding one would start another program
                raise PictureError("a drawing; give a picture of pixels")
            if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:  # MPO: a photograph and its depth
                raise PictureError("an animation; give one still picture")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise PictureError(f"more than {MAX_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise PictureError("not a picture that Pillow can read") from None
    except PictureError:
        raise
    except Exception as error:  # the readers of Pillow's formats raise many kinds for damaged files
        raise PictureError(f"damaged picture: {one_line(error)}") from None


def to_source_size(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """Bring a picture to source resolution: the central square, reduced with antialiasing (Lanczos).

    A large photograph so meets the network as training pictures did. A picture of size x size comes back unchanged.

    Args:
        image: 8-bit RGB.
        size: S, the side in pixels.

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

    Bilinear with half-pixel centres and clamped borders, the convention of TensorFlow 2, PyTorch (align_corners=False)
    and OpenCV.

    Args:
        pictures: uint8 (N, S, S, 3).
        image_size: side of the input, at least S.

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
    # columns first, while there are few rows: half the work; picture by picture: none depends on its batch
    wide = np.matmul(scaled.reshape(count, size, size * 3), columns)
    tall: Inputs = np.matmul(rows, wide)
    return tall.reshape(count, image_size, image_size, 3)


def _to_rgb(image: Image.Image) -> Image.Image:
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
    """The two matrices that interpolate: (image_size, size) over rows; (size * 3, image_size * 3) over RGB columns.

    Two large matrix products, most of the second one's factors 0, take a fifth of the time of a contraction by axes.
    """
    centres = (np.arange(image_size) + 0.5) * (size / image_size) - 0.5
    low = np.floor(centres).astype(int)
    fraction = centres - low
    weights = np.zeros((image_size, size), dtype=np.float32)
    rows = np.arange(image_size)
    np.add.at(weights, (rows, np.clip(low, 0, size - 1)), 1 - fraction)
    np.add.at(weights, (rows, np.clip(low + 1, 0, size - 1)), fraction)
    return weights, np.kron(weights.T, np.eye(3, dtype=np.float32))
