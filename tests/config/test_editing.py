"""Parameters move, comments and order stay; those of a command line all move, or none does."""

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

from realfake.config.editing import apply, assignments, fragment, override, value_of
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


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """A params.yaml of its own: the quick recipe."""
    return Path(shutil.copy(PROJECT / "recipes/quick.yaml", tmp_path / "params.yaml"))


def test_values_are_set_and_nothing_else_moves(params: Path) -> None:
    before = params.read_text().splitlines()
    words = ["train.epochs=3  train.optimizer.learning_rate=2e-3", "export.formats=[keras,litert_int8]"]
    override(params, assignments(words))
    found = load_params(params)
    assert (found.train.epochs, found.train.optimizer.learning_rate) == (3, 0.002)
    assert list(found.export.formats) == ["keras", "litert_int8"]
    changed = [line for line, old in zip(params.read_text().splitlines(), before, strict=True) if line != old]
    assert len(changed) == 3
    assert sum("#" in line for line in before) == params.read_text().count("#")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train.epochs", "'train.epochs' is no assignment; expected group.name=value"),
        ("train.epochs=", "is no assignment"),
        ("epochs=3", "'epochs=3' is no assignment"),
        ("train.epoch=3", r"unknown parameter train.epoch; did you mean epochs\?"),
        ("training.epochs=3", "training.epochs is no parameter"),
        ("train.epochs.more=3", "train.epochs.more is no parameter"),
        ("train.epochs=many", "train.epochs is 'many', but it should be a valid integer"),
        ("train.epochs=[3", r"'\[3' is no value of params.yaml"),
        ("train.epochs=$(touch /tmp/x)", "is no assignment|is no value|valid integer"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(params: Path, word: str, message: str) -> None:
    before = params.read_bytes()
    with pytest.raises(UserError, match=message) as caught:
        override(params, assignments(["train.dropout=0.5", word]))
    assert "\n" not in str(caught.value)
    assert params.read_bytes() == before


def test_nothing_to_set_is_nothing_set() -> None:
    assert assignments([""]) == {}
