"""A wrong parameter is explained in one line that names it, also inside the sweep's search space."""

import pytest
import yaml
from conftest import PROJECT

from realfake.config.messages import suggest_name
from realfake.config.schema import load_params
from realfake.core.errors import UserError


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("dropout", {"low": -1.0, "high": 0.5, "scale": "linear"}, ["tune.space.dropout", "train.dropout is -1.0"]),
        ("droput", {"choices": [0.1]}, ["tune.space.droput", "did you mean dropout?"]),
        ("dropout", {"low": 0.5, "high": 0.5, "scale": "linear"}, ["tune.space", "low is 0.5", "high is 0.5"]),
        ("dropout", {"low": 0.0, "high": 0.5, "scale": "lin"}, ["tune.space.dropout.scale is 'lin'"]),
        ("dropout", {"low": 0.0, "high": 0.5}, ["tune.space.dropout.scale is missing"]),
        (
            "dropout",
            {"low": 0.0, "hihg": 0.5, "scale": "log"},
            ["tune.space.dropout.hihg", "did you mean high?"],
        ),
        ("optimizer.learning_rate", {"low": 0.0, "high": 0.1, "scale": "log"}, ["tune.space", "log", "low is 0.0"]),
        ("augmentation.strength", {"choices": [0.2, 2.0]}, ["train.augmentation.strength is 2.0"]),
        ("augmentation.strength", {"choices": []}, ["strength.choices is []", "at least 1"]),
        ("dropout", 0.3, ["tune.space.dropout is 0.3", "dictionary"]),
        ("batch_size", {"low": 8.5, "high": 32.5, "scale": "linear"}, ["train.batch_size is 8.5"]),
    ],
)
def test_an_invalid_search_space_is_explained_in_one_line(tmp_path, name, domain, expected):
    params = yaml.safe_load((PROJECT / "recipes/quick.yaml").read_text())
    params["tune"]["space"] = {name: domain}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(UserError) as error:
        load_params(tmp_path / "params.yaml")
    assert [word for word in expected if word not in str(error.value)] == []
    assert "\n" not in str(error.value)


def test_the_closest_name_is_suggested_or_all_are_listed():
    close, far = (suggest_name(name, ["epochs", "seed"]) for name in ("epocs", "zzz"))
    assert "epochs" in close
    assert "seed" not in close
    assert "epochs, seed" in far
