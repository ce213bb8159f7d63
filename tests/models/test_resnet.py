"""The small residual networks are those of the paper."""

import pytest

from realfake.core.errors import UserError
from realfake.models.resnet import residual_network


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (56, 0.85)])
def test_the_weights_are_those_of_table_6(depth, millions):
    assert residual_network(depth, 16, 32).count_params() / 1e6 == pytest.approx(millions, abs=0.015)


@pytest.mark.parametrize(("depth", "shape"), [(8, (None, 8, 8, 16)), (10, (None, 4, 4, 32)), (26, (None, 8, 8, 16))])
def test_every_stage_but_the_first_halves_the_picture_and_doubles_the_channels(depth, shape):
    assert residual_network(depth, 4, 32).output_shape == shape


def test_four_stages_have_the_convolutions_of_the_papers_18_layers():
    """Table 1: a stem and two blocks of two in each stage; the last layer is the classifier, shortcuts do not count."""
    convolutions = [layer.name for layer in residual_network(18, 4, 32).layers if layer.name.endswith("_conv")]
    assert sum("shortcut" not in name for name in convolutions) == 17
    assert sum("shortcut" in name for name in convolutions) == 3


@pytest.mark.parametrize("depth", [2, 9, 21])
def test_other_depths_are_refused(depth):
    with pytest.raises(UserError, match=r"6n\+2 or 8n\+2"):
        residual_network(depth, 16, 32)
