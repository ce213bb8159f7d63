"""The occlusion map finds the area that a prediction depends on."""

import numpy as np
import pytest

from realfake.inference.occlusion import occlusion_map, overlay


def corner(pictures: np.ndarray) -> np.ndarray:
    """P(REAL) that rises with the brightness of the upper left corner."""
    light = pictures[:, :8, :8].mean(axis=(1, 2, 3)) / 255
    return (0.2 + 0.6 * light).astype(np.float32)


@pytest.fixture
def picture() -> np.ndarray:
    dark = np.zeros((32, 32, 3), dtype=np.uint8)
    dark[:8, :8] = 255
    return dark


def test_the_decisive_area_stands_out_with_its_sign(picture):
    found = occlusion_map(corner, picture)
    assert found.shape == (32, 32)
    assert found[:4, :4].min() > 1, "it speaks for REAL"
    assert np.all(found[20:, 20:] == 0)
    against = occlusion_map(lambda pictures: 1 - corner(pictures), picture)
    assert against[:4, :4].max() < -1


def test_the_overlay_is_blue_for_real_and_orange_for_fake(picture):
    found = occlusion_map(corner, picture)
    drawn = overlay(picture, found, scale=4)
    assert (drawn.shape, drawn.dtype) == ((128, 128, 3), np.uint8)
    red, _, blue = drawn[0, 0].astype(int)
    assert blue > red + 50
    red, _, blue = overlay(picture, -found, scale=4)[0, 0].astype(int)
    assert red > blue + 50
    assert np.ptp(drawn[-1, -1]) == 0, "areas without influence stay grey"


def test_constant_predictions_leave_the_picture_grey(picture):
    found = occlusion_map(lambda pictures: np.full(len(pictures), 0.7, dtype=np.float32), picture)
    assert not found.any()
    assert np.ptp(overlay(picture, found), axis=2).max() == 0
