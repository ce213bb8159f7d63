"""Provide toy pictures, and parameters of a network with frozen layers, for tests of the feature cache."""

import pytest
from conftest import toy_pictures

from realfake.config.schema import TrainParams

TRAIN, VAL = toy_pictures(150, seed=0), toy_pictures(20, seed=1)


def changed(params: TrainParams, **groups: dict[str, object]) -> TrainParams:
    """Return a copy of the parameters with some values changed: changed(params, augmentation={"strength": 0.0})."""
    values = params.model_dump()
    for name, value in groups.items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return TrainParams.model_validate(values)


@pytest.fixture
def params(train_params: TrainParams, project: object) -> TrainParams:
    """Unfreeze some layers of the last block; the frozen part gives 16 x 16 x 8 features per picture."""
    return changed(train_params, unfreeze=5)
