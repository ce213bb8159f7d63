"""Parameters set from the command line: all or none, comments kept."""

import shutil
from pathlib import Path

import pytest
from conftest import PROJECT

from override import assignments, override
from realfake.config.schema import load_params
from realfake.core.errors import UserError


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
