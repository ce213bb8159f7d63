"""A network is described by its parts: frozen and trainable layers of the backbone, and the layers of the head."""

import pytest
from conftest import PROJECT

from realfake.config.schema import TrainParams, load_params
from realfake.models.architecture import HEAD, describe
from realfake.models.builder import build_network


@pytest.mark.parametrize(
    ("unfreeze", "names", "states"),
    [
        ("all", ["backbone"], ["new"]),
        (0, ["backbone"], ["frozen"]),
        (5, ["trunk", "tail"], ["frozen", "new"]),
    ],
)
def test_the_backbone_is_one_part_or_two_and_the_head_follows(unfreeze, names, states):
    base = load_params(PROJECT / "recipes/scratch.yaml").train.model_dump()
    params = TrainParams.model_validate(base | {"backbone": "resnet8", "width": 4, "unfreeze": unfreeze})
    network = build_network(params)
    parts = describe(network, params)
    assert [part.name for part in parts] == [*names, *HEAD]
    assert [part.state for part in parts] == [*states, *["new"] * 4]
    assert sum(part.weights for part in parts) == network.count_params()
