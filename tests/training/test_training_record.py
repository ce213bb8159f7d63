"""Runs get names a person can tell apart, and epochs a line that can be read."""

import pytest
from conftest import PROJECT

from realfake.config.schema import load_params
from realfake.training.training_record import epoch_line, opening, run_name


def test_names_tell_recipes_apart():
    names = [run_name(load_params(PROJECT / f"recipes/{recipe}.yaml").train) for recipe in ("deck", "resnet20")]
    assert names == ["ResNet50-128px-imagenet-last10-5ep", "resnet20x16-32px-8ep"]


def test_an_epoch_is_one_line_with_the_time_left():
    figures = {"train_loss": 0.5, "train_accuracy": 0.75, "val_loss": 0.4, "val_accuracy": 0.8, "val_auc": 0.9}
    assert epoch_line({"epoch": 2, **figures}, 4, 61.0) == (
        "epoch   2/4  loss 0.5000  accuracy 75.00%"
        "  |  val loss 0.4000  accuracy 80.00%  AUC 0.9000  |  61 s, about 2 min left"
    )
    assert "left" not in epoch_line({"epoch": 2, **figures}, 4, 10.0)


@pytest.mark.parametrize(
    ("precision", "fast", "lines"), [("bfloat16", True, 1), ("bfloat16", False, 2), ("float32", False, 1)]
)
def test_a_precision_that_the_processor_does_not_have_is_said(monkeypatch, train_params, precision, fast, lines):
    monkeypatch.setattr("realfake.training.training_record.bfloat16_is_fast", lambda: fast)
    said = opening(train_params.model_copy(update={"precision": precision}), 1234, 64)
    assert said.startswith("resnet8x4-32px-2ep: 1,234 weights, 64 pictures")
    assert len(said.splitlines()) == lines
