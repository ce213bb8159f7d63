"""Running a model file imports no heavy package; tests/export/test_converters.py tests the runtimes themselves."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def test_inference_imports_nothing_heavy():
    modules = "realfake.inference.detector, realfake.inference.prediction_figure"
    code = f"import {modules}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, check=True)
    heavy = {
        "tensorflow",
        "keras",
        "pydantic",
        "yaml",
        "filelock",
        "mlflow",
        "matplotlib",
        "onnx",
        "onnxruntime",
        "scipy",
    }
    assert not set(done.stdout.split()) & heavy
