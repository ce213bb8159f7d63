"""Values change, comments and order stay; of several assignments all are made or none."""

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

from realfake.config.editing import dump_values, override, parse_assignments, parse_value, set_values
from realfake.config.schema import load_params
from realfake.core.errors import UserError

VALUES = {"dropout": 0.35, "augmentation.strength": 0.6, "optimizer.learning_rate": 0.00042}


def test_values_are_dumped_nested_as_in_params_yaml():
    assert yaml.safe_load(dump_values(VALUES)) == {
        "train": {"dropout": 0.35, "augmentation": {"strength": 0.6}, "optimizer": {"learning_rate": 0.00042}}
    }


def test_setting_values_changes_their_lines_only(tmp_path):
    path = tmp_path / "params.yaml"
    shutil.copy(PROJECT / "recipes/quick.yaml", path)
    before = path.read_text().splitlines()
    set_values(path, VALUES)
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
    set_values(path, {"optimizer.learning_rate": 1e-05, "batch_size": 32})
    params = load_params(path).train
    assert (params.optimizer.learning_rate, params.batch_size) == (1e-05, 32)
    dumped = yaml.safe_load(dump_values({"optimizer.learning_rate": 2e-07}))
    assert dumped["train"]["optimizer"]["learning_rate"] == 2e-07


def test_a_value_is_parsed_as_in_params_yaml():
    texts = ["3", "0.5", "1e-3", "null", "imagenet", "[keras, onnx]", "true"]
    assert [parse_value(text) for text in texts] == [3, 0.5, 0.001, None, "imagenet", ["keras", "onnx"], True]
    assert type(parse_value("1e-3")) is float
    with pytest.raises(UserError, match=r"'\[3'") as caught:
        parse_value("[3")
    assert "\n" not in str(caught.value)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """A copy of the quick recipe as params.yaml."""
    return Path(shutil.copy(PROJECT / "recipes/quick.yaml", tmp_path / "params.yaml"))


def test_overriding_changes_the_named_values_only(params: Path) -> None:
    before = params.read_text().splitlines()
    words = ["train.epochs=3  train.optimizer.learning_rate=2e-3", "export.formats=[keras,litert_int8]"]
    override(params, parse_assignments(words))
    found = load_params(params)
    assert (found.train.epochs, found.train.optimizer.learning_rate) == (3, 0.002)
    assert list(found.export.formats) == ["keras", "litert_int8"]
    changed = [line for line, old in zip(params.read_text().splitlines(), before, strict=True) if line != old]
    assert len(changed) == 3
    assert sum("#" in line for line in before) == params.read_text().count("#")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train.epochs", r"'train.epochs'.*group\.name=value"),
        ("train.epochs=", r"'train.epochs='.*group\.name=value"),
        ("epochs=3", r"'epochs=3'.*group\.name=value"),
        ("train.epoch=3", r"train.epoch; did you mean epochs\?"),
        ("training.epochs=3", "^training.epochs "),
        ("train.epochs.more=3", "^train.epochs.more "),
        ("train.epochs=many", "train.epochs is 'many'.*integer"),
        ("train.epochs=[3", r"'\[3'"),
        ("train.epochs=$(touch /tmp/x)", "group.name=value|integer"),
    ],
)
def test_a_wrong_assignment_is_one_line_and_changes_nothing(params: Path, word: str, message: str) -> None:
    before = params.read_bytes()
    with pytest.raises(UserError, match=message) as caught:
        override(params, parse_assignments(["train.dropout=0.5", word]))
    assert "\n" not in str(caught.value)
    assert params.read_bytes() == before


def test_an_empty_command_line_sets_nothing() -> None:
    assert parse_assignments([""]) == {}
