"""What is wrong with a parameter is one line that names it, also inside the sweep's space."""

import pytest
import yaml
from conftest import PROJECT

from realfake.config.messages import nearest
from realfake.config.schema import load_params
from realfake.core.errors import UserError


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("dropout", {"low": -1.0, "high": 0.5, "scale": "linear"}, "tune.space.dropout: train.dropout is -1.0"),
        ("droput", {"choices": [0.1]}, "tune.space.droput is no parameter of train; did you mean dropout?"),
        ("dropout", {"low": 0.5, "high": 0.5, "scale": "linear"}, "goes from low to high, not from 0.5 to 0.5"),
        ("dropout", {"low": 0.0, "high": 0.5, "scale": "lin"}, "tune.space.dropout.scale is 'lin'"),
        ("dropout", {"low": 0.0, "high": 0.5}, "tune.space.dropout.scale is missing"),
        (
            "dropout",
            {"low": 0.0, "hihg": 0.5, "scale": "log"},
            "unknown parameter tune.space.dropout.hihg; did you mean",
        ),
        ("optimizer.learning_rate", {"low": 0.0, "high": 0.1, "scale": "log"}, "a log scale starts above 0"),
        ("augmentation.strength", {"choices": [0.2, 2.0]}, "train.augmentation.strength is 2.0"),
        ("augmentation.strength", {"choices": []}, "strength.choices is [], but it should have at least 1 item"),
        ("dropout", 0.3, "tune.space.dropout is 0.3, but it should be a valid dictionary"),
        ("batch_size", {"low": 8.5, "high": 32.5, "scale": "linear"}, "train.batch_size is 8.5"),
    ],
)
def test_a_space_that_cannot_be_is_one_line(tmp_path, name, domain, expected):
    params = yaml.safe_load((PROJECT / "recipes/quick.yaml").read_text())
    params["tune"]["space"] = {name: domain}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(UserError) as error:
        load_params(tmp_path / "params.yaml")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_the_nearest_name_is_offered_or_all_of_them():
    assert nearest("epocs", ["epochs", "seed"]) == "did you mean epochs?"
    assert nearest("zzz", ["epochs", "seed"]) == "known here: epochs, seed"
