"""The demo in the browser: `python src/app.py`, then http://127.0.0.1:7860. An exported .tflite file answers.

It listens on this machine alone (--host opens it to others), keeps no picture for longer than ten minutes or so, and
needs no TensorFlow.
"""

import argparse
import os
from pathlib import Path

from realfake.core.errors import run
from realfake.inference.demo_page import serve
from realfake.inference.detector import Detector, exported_model

HERE = Path(__file__).resolve().parent
"""src/, or a folder that src/space.py wrote, which has the model and the examples in it."""


def main() -> None:
    """Read the command line and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a .tflite or .onnx file (default: of the last export, else the shipped one)",
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")  # Hugging Face Spaces sets it
    parser.add_argument("--host", default=host, help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=7860, help="default 7860")
    arguments = parser.parse_args()
    packed = HERE / "model.tflite"
    detector = Detector(arguments.model or (packed if packed.is_file() else exported_model(HERE.parent)), threads=1)
    serve(detector, (HERE if packed.is_file() else HERE.parent) / "imgs", arguments.host, arguments.port)


if __name__ == "__main__":
    run(main)
