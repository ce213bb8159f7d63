"""A training's record is read back as it was written, a damaged one is a one-line error, and recipes have run names."""

import json

import pytest
from conftest import PROJECT
from stage_files import preparation_report, training_record

from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.training.training_record import (
    RECORD_FILE,
    CachedFeatures,
    Calibration,
    TrainingRecord,
    named_params,
    run_name,
)


def test_run_names_distinguish_recipes():
    names = [run_name(load_params(PROJECT / f"recipes/{recipe}.yaml").train) for recipe in ("deck", "resnet20")]
    assert names == ["ResNet50-128px-imagenet-last10-5ep", "resnet20x16-32px-8ep"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"calibration": Calibration(0.5, 0.0, 0.9, 0.3, 0.01, 0.05), "trunk": CachedFeatures("conv5_block2_out", 3)},
    ],
)
def test_a_record_is_read_back_as_it_was_written(tmp_path, changes):
    record = training_record({"preprocess.size": 32, "train.width": None, "train.epochs": 2}, **changes)
    record.write(tmp_path)
    read = TrainingRecord.read(tmp_path)
    assert read == record
    assert read.source_size == 32
    assert read.train_params == {"width": None, "epochs": 2}


def test_the_file_has_only_the_calibration_values_that_are_known(tmp_path):
    training_record({}).write(tmp_path)
    values = json.loads((tmp_path / RECORD_FILE).read_text())
    assert values["calibration"] == {"scale": 1.0, "shift": 0.0}
    assert list(values) == ["name", "data_digest", "pictures", "parts", "params", "best", "calibration", "trunk"]


def test_an_incomplete_record_is_a_one_line_error(tmp_path):
    training_record({}).write(tmp_path)
    values = json.loads((tmp_path / RECORD_FILE).read_text())
    del values["best"]["val_auc"]
    (tmp_path / RECORD_FILE).write_text(json.dumps(values))
    with pytest.raises(UserError, match=rf"{RECORD_FILE} is damaged.*best\.val_auc.*`dvc repro train`"):
        TrainingRecord.read(tmp_path)


def test_params_have_the_names_used_in_mlflow(train_params):
    named = named_params(preparation_report({"train": 2}), train_params)
    assert named["preprocess.size"] == 32
    assert named["train.optimizer.learning_rate"] == train_params.optimizer.learning_rate
