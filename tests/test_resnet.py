"""The native networks are those of the paper."""

import pytest

from realfake.errors import UserError
from realfake.resnet import residual_network


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (56, 0.85)])
def test_the_weights_are_those_of_table_6(depth, millions):
    assert residual_network(depth, 16, 32).count_params() / 1e6 == pytest.approx(millions, abs=0.015)


def test_two_stages_halve_the_picture():
    assert residual_network(8, 4, 32).output_shape == (None, 8, 8, 16)


def test_a_longer_step_of_the_stem_leaves_the_rest_half_the_size_and_the_same_weights():
    one, two = (residual_network(8, 4, 32, stem_stride=step) for step in (1, 2))
    assert two.output_shape == (None, 4, 4, 16)
    assert [w.shape for w in one.weights[1:]] == [w.shape for w in two.weights[1:]]


@pytest.mark.parametrize("depth", [2, 9, 21])
def test_other_depths_are_refused(depth):
    with pytest.raises(UserError, match=r"must be 6n\+2"):
        residual_network(depth, 16, 32)
