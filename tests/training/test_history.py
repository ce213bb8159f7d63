"""A history is read back as it was written, a damaged one is a one-line error, and the best epoch is chosen on val."""

import json

import pytest
from stage_files import epoch_result

from realfake.core.errors import UserError
from realfake.training.history import HISTORY_FILE, best_epoch, read_history, write_history


def test_a_history_is_read_back_as_it_was_written(tmp_path):
    history = [epoch_result(1), epoch_result(2, val_loss=0.25)]
    write_history(tmp_path, history)
    assert read_history(tmp_path) == history
    rows = json.loads((tmp_path / HISTORY_FILE).read_text())
    assert [row["epoch"] for row in rows] == [1, 2]  # dvc.yaml plots these columns
    assert {"train_loss", "val_loss", "train_accuracy", "val_accuracy"} <= set(rows[0])


def test_a_missing_or_damaged_history_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError, match=rf"{HISTORY_FILE} is missing.*`dvc repro train`"):
        read_history(tmp_path)
    (tmp_path / HISTORY_FILE).write_text('[{"epoch": 1}]')
    with pytest.raises(UserError, match=rf"{HISTORY_FILE} is damaged.*0\.learning_rate.*`dvc repro train`"):
        read_history(tmp_path)


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss_and_is_the_earliest():
    history = [epoch_result(1), epoch_result(2, val_loss=0.3), epoch_result(3, val_loss=0.3)]
    assert best_epoch(history).epoch == 2
    assert best_epoch([*history, epoch_result(4, val_accuracy=0.81, val_loss=9.0)]).epoch == 4
