"""Predictions are read back as they were written, and a missing or damaged file is a one-line error."""

import pytest

from realfake.core.errors import UserError
from realfake.evaluation.predictions import PREDICTIONS_FILE, Prediction, read_predictions, write_predictions

ROWS = [Prediction("a, b (4).jpg", 0, 0.1234567), Prediction("c.jpg", 1, 1.0)]


def test_predictions_are_read_back_as_they_were_written(tmp_path):
    write_predictions(tmp_path, ROWS)
    assert read_predictions(tmp_path) == ROWS
    assert (tmp_path / PREDICTIONS_FILE).read_text().splitlines()[-1] == "c.jpg,1,1.0000000"


def test_a_missing_or_truncated_file_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError, match=r"predictions\.csv is missing.*`dvc repro evaluate`"):
        read_predictions(tmp_path)
    write_predictions(tmp_path, ROWS)
    data = (tmp_path / PREDICTIONS_FILE).read_bytes()
    (tmp_path / PREDICTIONS_FILE).write_bytes(data[: data.index(b",1,")])
    with pytest.raises(UserError, match=r"predictions\.csv is damaged.*`dvc repro evaluate`"):
        read_predictions(tmp_path)
