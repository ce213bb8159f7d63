"""Errors of writing the folder for Hugging Face Spaces; test_app.py starts the app from a folder that is written."""

from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.export.hugging_face_space import write_space

PROJECT = Path(__file__).parents[2]


def test_a_model_of_another_format_is_an_error_and_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match=r"model\.onnx .*\.tflite.*--model"):
        write_space(PROJECT, tmp_path / "model.onnx", tmp_path / "space")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "kept/.git").mkdir(parents=True)
    (tmp_path / "model.tflite").touch()
    with pytest.raises(UserError, match=r"kept .*would be deleted.*--output"):
        write_space(PROJECT, tmp_path / "model.tflite", tmp_path / "kept")
    assert (tmp_path / "kept/.git").is_dir()
