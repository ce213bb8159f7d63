"""The groups of the tools: what a sweep may search and what the gate may ask for."""

from pathlib import Path

import pytest

from realfake.config.schema import load_params
from realfake.core.errors import UserError

COMMITTED = (Path(__file__).parents[2] / "recipes/quick.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "test/accuracy: {min: 0.85}",
            "test/accuracy: {}",
            "a limit of promote.limits is {min: NUMBER}",
        ),
        (
            "test/accuracy: {min: 0.85}",
            "test/accuracy: {mn: 0.85}",
            "unknown parameter promote.limits",
        ),
        ("test/accuracy: {min: 0.85}", "test/accuracy: 0.85", "promote.limits.test/accuracy is 0.85"),
        ("  model: realfake ", "  model: real fake ", "promote.model is 'real fake'"),
        ("max_accuracy_loss: 0.02", "max_accuracy_loss: 2.0", "promote.max_accuracy_loss is 2.0"),
        ("max_latency_ratio: 1.5", "max_latency_ratio: 0.0", "promote.max_latency_ratio is 0.0"),
        ("{low: 0.0, high: 0.6, scale: linear}", "{low: 0.6, high: 0.0, scale: linear}", "goes from low to high"),
        ("{low: 0.0, high: 0.6, scale: linear}", "{low: 0.0, high: 0.6, scale: log}", "a log scale starts above 0"),
        ("{low: 0.0, high: 0.6, scale: linear}", "{choices: [0.1, 1.5]}", "tune.space.dropout"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path, old, new, expected):
    assert old in COMMITTED
    (tmp_path / "params.yaml").write_text(COMMITTED.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load_params(tmp_path / "params.yaml")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
