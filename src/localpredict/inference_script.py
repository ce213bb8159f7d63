"""Classify pictures as REAL or FAKE: `python src/localpredict/inference_script.py imgs/fake/5.jpg [FILE | FOLDER ...]`.

Runs an exported .tflite or .onnx file without TensorFlow. Needs numpy, pillow and ai-edge-litert (onnxruntime for .onnx
files), and matplotlib for the figure. Exit code 1: a picture could not be used; all others are classified nevertheless.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realfake.core.command_line import argument_parser
from realfake.core.errors import UserError, run
from realfake.inference.detector import SHIPPED, Detector, default_model
from realfake.inference.predictions import as_record, classify_files, write_figure


def main() -> int:
    """Read the command line, classify every picture, draw the figure, and return the exit code."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files, or folders with pictures"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a .tflite or .onnx file (default: from the last export, else the shipped detector)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE.png", help="the figure's file (default prediction.png)")
    parser.add_argument("--no-plot", action="store_true", help="draw no figure")
    parser.add_argument("--json", action="store_true", help="print JSON; no figure unless --output is given")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads per prediction (default: the runtime's choice)"
    )
    arguments = parser.parse_args()
    check(arguments)
    root = Path(__file__).resolve().parents[2]
    detector = Detector(arguments.model or default_model(root), arguments.threads)
    if arguments.model is None and detector.path == root / SHIPPED:
        print(f"no model trained here yet; using the shipped detector {SHIPPED}, trained on CIFAKE", file=sys.stderr)
    results, failed = classify_files(detector, arguments.pictures, arguments.json)
    if arguments.json:
        print(json.dumps([as_record(path, result, detector) for path, result in results], indent=2))
    wanted = arguments.output is not None or not (arguments.json or arguments.no_plot)
    if results and wanted:
        output = arguments.output or Path("prediction.png")
        print(f"{write_figure(results, detector, output)}: {output}", file=sys.stderr)
    return 1 if failed else 0


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that are out of range or exclude each other.

    Raises:
        UserError: one line about the first such option.
    """
    if arguments.threads is not None and arguments.threads < 1:
        raise UserError(f"--threads is {arguments.threads}; expected 1 or more")
    if arguments.output is not None and arguments.no_plot:
        raise UserError("--output and --no-plot exclude each other; give one of them")
    if arguments.output is not None and arguments.output.suffix.lower() not in (".png", ".pdf", ".svg", ".jpg"):
        raise UserError(f"--output is {arguments.output}; expected a file that ends in .png, .pdf, .svg or .jpg")
    if arguments.output is not None and not arguments.output.parent.is_dir():
        raise UserError(
            f"--output is {arguments.output}, but {arguments.output.parent} is not a folder; create it first"
        )


if __name__ == "__main__":
    run(main)
