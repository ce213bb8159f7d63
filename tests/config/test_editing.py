"""Parameters move, comments and order stay."""

import shutil

import pytest
import yaml
from conftest import PROJECT

from realfake.config.editing import apply, fragment, value_of
from realfake.config.schema import load_params
from realfake.core.errors import UserError

VALUES = {"dropout": 0.35, "augmentation.strength": 0.6, "optimizer.learning_rate": 0.00042}


def test_a_fragment_is_a_part_of_params_yaml():
    assert yaml.safe_load(fragment(VALUES)) == {
        "train": {"dropout": 0.35, "augmentation": {"strength": 0.6}, "optimizer": {"learning_rate": 0.00042}}
    }


def test_applying_changes_the_values_alone(tmp_path):
    path = tmp_path / "params.yaml"
    shutil.copy(PROJECT / "recipes/quick.yaml", path)
    before = path.read_text().splitlines()
    apply(path, VALUES)
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].strip() for _, new in changed] == [
        "dropout: 0.35",
        "strength: 0.6",
        "learning_rate: 0.00042",
    ]
    assert all(old.partition("#")[2] == new.partition("#")[2] for old, new in changed), "a comment was lost"
    assert load_params(path).train.dropout == 0.35


def test_small_numbers_stay_numbers(tmp_path):
    path = tmp_path / "params.yaml"
    shutil.copy(PROJECT / "recipes/quick.yaml", path)
    apply(path, {"optimizer.learning_rate": 1e-05, "batch_size": 32})
    params = load_params(path).train
    assert (params.optimizer.learning_rate, params.batch_size) == (1e-05, 32)
    assert yaml.safe_load(fragment({"optimizer.learning_rate": 2e-07}))["train"]["optimizer"]["learning_rate"] == 2e-07


def test_a_text_is_the_value_that_params_yaml_would_have():
    texts = ["3", "0.5", "1e-3", "null", "imagenet", "[keras, onnx]", "true"]
    assert [value_of(text) for text in texts] == [3, 0.5, 0.001, None, "imagenet", ["keras", "onnx"], True]
    assert type(value_of("1e-3")) is float
    with pytest.raises(UserError, match=r"'\[3' is no value of params.yaml") as caught:
        value_of("[3")
    assert "\n" not in str(caught.value)
