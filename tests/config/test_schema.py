"""params.yaml is checked when it is read; each mistake is one line that says how to correct it."""

from pathlib import Path

import pytest

from realfake.config.schema import flatten, load_params
from realfake.core.errors import UserError

COMMITTED = (Path(__file__).parents[2] / "recipes/scratch.yaml").read_text()


def load(tmp_path: Path, text: str):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load_params(path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  dropout: 0.2", "  dropuot: 0.2", ["train.dropuot", "did you mean dropout?"]),
        (
            "    strength: 0.4",
            "    strenght: 0.4",
            ["train.augmentation.strenght", "did you mean strength?"],
        ),
        ("train:\n", "training:\n", ["training", "did you mean train?"]),
        ("  epochs: 12", "  epochs: eight", ["train.epochs is 'eight'", "integer"]),
        ("  epochs: 12", "  epochs: 0", ["train.epochs is 0", "greater than or equal to 1"]),
        ("learning_rate: 0.002", "learning_rate: 1e-3", ["1e-3", "write 0.001"]),
        ("learning_rate: 0.002", "learning_rate: .nan", ["train.optimizer.learning_rate is nan"]),
        ("  dropout: 0.2", "", ["train.dropout is missing"]),
        (
            "  unfreeze: all",
            "  unfreeze: some",
            ["train.unfreeze is 'some'", "'all'", "integer"],
        ),
        (
            "  weights: none",
            "  weights: models:/realfake@champion",
            ["alias", "src/use.py --weights models:/realfake@champion"],
        ),
        ("warmup_epochs: 0.5", "warmup_epochs: 13.0", ["warmup_epochs 13.0", "12"]),
        ("    name: adamw", "    name: adam", ["weight_decay", "adamw", "sgd"]),
        ("litert_int8]", "litert_int4]", ["export.formats is 'litert_int4'", "'keras', 'onnx'"]),
        ("size: 32", "size: [32", ["params.yaml", "YAML"]),
        (
            "    dropout: {low: 0.0, high: 0.6, scale: linear}",
            "    calibration: {choices: [none]}",
            ["tune.space.calibration", "train.calibration"],
        ),
        (
            "    dropout: {low: 0.0, high: 0.6, scale: linear}",
            "    mirror: {choices: [0, 1]}",
            ["tune.space.mirror", "train.mirror"],
        ),
        ("robustness_pictures: 2000", "robustness_pictures: 1", ["evaluate.robustness_pictures is 1", "2"]),
    ],
)
def test_a_mistake_is_explained_in_one_line(tmp_path, old, new, expected):
    assert old in COMMITTED
    with pytest.raises(UserError) as error:
        load(tmp_path, COMMITTED.replace(old, new, 1))
    assert [word for word in expected if word not in str(error.value)] == []
    assert "\n" not in str(error.value)


def test_a_missing_or_empty_file_says_where_to_get_one(tmp_path):
    with pytest.raises(UserError, match="make use RECIPE=quick"):
        load_params(tmp_path / "params.yaml")
    with pytest.raises(UserError, match="preprocess, train"):
        load(tmp_path, "")


def test_params_are_frozen_and_flatten_as_dvc_spells_them(tmp_path):
    params = load(tmp_path, COMMITTED)
    with pytest.raises(ValueError, match="frozen"):
        params.train.epochs = 3
    flat = flatten(params.train)
    assert flat["optimizer.learning_rate"] == 0.002
    assert flat["unfreeze"] == "all"


def test_only_tensorflow_trains_in_bfloat16(tmp_path):
    fast = COMMITTED.replace("precision: float32 ", "precision: bfloat16 ")
    assert load(tmp_path, fast).train.precision == "bfloat16"
    with pytest.raises(UserError, match="set precision: float32"):
        load(tmp_path, fast.replace("runtime: tensorflow", "runtime: onnxruntime"))
