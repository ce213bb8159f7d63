"""The groups of the sweep and of the gate: mistakes are explained in one line."""

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
            ["promote.limits", "{min: NUMBER}"],
        ),
        (
            "test/accuracy: {min: 0.85}",
            "test/accuracy: {mn: 0.85}",
            ["promote.limits.test/accuracy.mn", "did you mean min?"],
        ),
        ("test/accuracy: {min: 0.85}", "test/accuracy: 0.85", ["promote.limits.test/accuracy is 0.85"]),
        ("  model: realfake ", "  model: real fake ", ["promote.model is 'real fake'"]),
        ("max_accuracy_loss: 0.02", "max_accuracy_loss: 2.0", ["promote.max_accuracy_loss is 2.0"]),
        ("max_latency_ratio: 1.5", "max_latency_ratio: 0.0", ["promote.max_latency_ratio is 0.0"]),
        ("{low: 0.0, high: 0.6, scale: linear}", "{low: 0.6, high: 0.0, scale: linear}", ["low is 0.6", "high is 0.0"]),
        ("{low: 0.0, high: 0.6, scale: linear}", "{low: 0.0, high: 0.6, scale: log}", ["log", "low is 0.0"]),
        ("{low: 0.0, high: 0.6, scale: linear}", "{choices: [0.1, 1.5]}", ["tune.space.dropout"]),
    ],
)
def test_a_mistake_is_explained_in_one_line(tmp_path, old, new, expected):
    assert old in COMMITTED
    (tmp_path / "params.yaml").write_text(COMMITTED.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load_params(tmp_path / "params.yaml")
    assert [word for word in expected if word not in str(error.value)] == []
    assert "\n" not in str(error.value)
