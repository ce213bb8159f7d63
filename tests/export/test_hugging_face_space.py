"""The folder for Hugging Face Spaces: what is refused. (test_app.py starts the app from a written one.)"""

from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.export.hugging_face_space import write_space

PROJECT = Path(__file__).parents[2]


def test_a_model_of_another_kind_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match=r"model\.onnx is no \.tflite file"):
        write_space(PROJECT, tmp_path / "model.onnx", tmp_path / "space")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path):
    (tmp_path / "kept/.git").mkdir(parents=True)
    (tmp_path / "model.tflite").touch()
    with pytest.raises(UserError, match="kept holds something else, which would be lost"):
        write_space(PROJECT, tmp_path / "model.tflite", tmp_path / "kept")
    assert (tmp_path / "kept/.git").is_dir()
