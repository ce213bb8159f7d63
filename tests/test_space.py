"""The folder for Hugging Face Spaces holds what the app reaches, no more and no less."""

import ast
from pathlib import Path

import pytest

from realfake.errors import UserError

SOURCE = Path(__file__).parents[1] / "src"


def reached(script: Path) -> set[str]:
    """Modules of realfake that a script imports, directly or through others."""
    found: set[str] = {"__init__"}
    waiting = [script]
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("realfake."):
                name = node.module.removeprefix("realfake.")
                if name not in found:
                    found.add(name)
                    waiting.append(SOURCE / f"realfake/{name}.py")
    return found


def test_the_modules_are_those_that_the_app_reaches():
    from space import MODULES

    assert set(MODULES) == reached(SOURCE / "app.py")


def test_a_model_of_another_kind_is_refused_and_nothing_is_written(tmp_path):
    from space import write_space

    with pytest.raises(UserError, match=r"model\.onnx is no \.tflite file"):
        write_space(SOURCE.parent, tmp_path / "model.onnx", tmp_path / "space")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path):
    from space import write_space

    (tmp_path / "kept/.git").mkdir(parents=True)
    (tmp_path / "model.tflite").touch()
    with pytest.raises(UserError, match="kept holds something else, which would be lost"):
        write_space(SOURCE.parent, tmp_path / "model.tflite", tmp_path / "kept")
    assert (tmp_path / "kept/.git").is_dir()
