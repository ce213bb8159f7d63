"""Serve the demo in the browser: `python src/app.py`, then open http://127.0.0.1:7860.

An exported file makes the predictions; TensorFlow is not needed. The server accepts connections from this machine only,
unless --host says otherwise, and deletes uploaded pictures after about ten minutes.
"""

import os
from pathlib import Path

from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.inference.demo_page import serve
from realfake.inference.detector import Detector, default_model

HERE = Path(__file__).resolve().parent
"""The folder of this file: src/, or a folder that src/space.py wrote, which holds the model and the examples too."""


def main() -> None:
    """Read the command line and serve the demo until Ctrl-C."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a .tflite or .onnx file (default: from the last export, else the shipped detector)",
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")  # Hugging Face Spaces sets it
    parser.add_argument("--host", default=host, help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default %(default)s)")
    arguments = parser.parse_args()
    packed = HERE / "model.tflite"
    detector = Detector(arguments.model or (packed if packed.is_file() else default_model(HERE.parent)), threads=1)
    serve(detector, (HERE if packed.is_file() else HERE.parent) / "imgs", arguments.host, arguments.port)


if __name__ == "__main__":
    run(main)
