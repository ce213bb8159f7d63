"""A finished network has test-time augmentation if configured, and a training's files can be read back."""

import numpy as np
import pytest
from conftest import toy_pictures
from stage_files import epoch_result, training_record

from realfake.data.dataset import read_manifest
from realfake.data.fingerprints import read_fingerprints, seen_in_training
from realfake.models.builder import build_network
from realfake.models.saving import load_network, predict
from realfake.training.finishing import finish, write_model
from realfake.training.history import read_history
from realfake.training.training_record import TrainingRecord


@pytest.mark.parametrize("mirror", [False, True])
def test_test_time_augmentation_is_added_if_configured(train_params, mirror):
    network = build_network(train_params)
    pictures, labels = toy_pictures(16, seed=3)
    params = train_params.model_copy(update={"mirror": mirror, "calibration": "none"})
    finished, calibration = finish(network, (pictures, labels), params)
    assert calibration.figures() == {"scale": 1.0, "shift": 0.0}
    original, flipped = predict(finished, pictures), predict(finished, pictures[:, :, ::-1])
    assert np.allclose(original, flipped, atol=1e-5) == mirror


def test_the_files_of_a_training_can_be_read_back(prepared, tmp_path, train_params):
    network, history, record = build_network(train_params), [epoch_result(1)], training_record({"train.epochs": 1})
    write_model(network, history, record, prepared, tmp_path)
    assert load_network(tmp_path / "model.keras").count_params() == network.count_params()
    assert read_history(tmp_path) == history
    assert TrainingRecord.read(tmp_path) == record
    rows = read_manifest(prepared)
    seen = seen_in_training(rows, read_fingerprints(tmp_path, "dvc repro train"))
    assert [row.split for row, was_seen in zip(rows, seen, strict=True) if was_seen][:64] == ["train"] * 64
