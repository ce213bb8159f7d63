"""Worker processes decode pictures in the archive's order; unusable pictures are reported with the reason."""

import numpy as np
from conftest import jpeg

from realfake.data.decoding import CHUNK, decode_all


def test_pixels_are_in_the_order_of_the_usable_entries(tmp_path):
    folder = tmp_path / "data/train/REAL"
    folder.mkdir(parents=True)
    count = CHUNK + 30
    for number in range(count):
        (folder / f"{number:04}.jpg").write_bytes(jpeg(np.full((8, 8, 3), number % 200, np.uint8)))
    (folder / "0007.jpg").write_bytes(b"no picture")
    decoded = decode_all(tmp_path / "data", 8, tmp_path / "raw")
    pixels = np.fromfile(tmp_path / "raw", dtype=np.uint8).reshape(-1, 8, 8, 3)
    assert len(decoded) == count
    assert len(pixels) == count - 1
    (bad,) = [item for item in decoded if item.problem is not None]
    assert bad.row.name == "0007.jpg"
    for item in decoded:
        if item.problem is None:
            assert abs(int(pixels[item.place].mean()) - int(item.row.name[:4]) % 200) <= 2
