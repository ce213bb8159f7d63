"""Is this picture REAL or FAKE? `python src/localpredict/inference_script.py imgs/fake/5.jpg [more of them, folders]`

Runs an exported .tflite or .onnx file without TensorFlow. Needs numpy, pillow and ai-edge-litert (onnxruntime for .onnx
files), and matplotlib for the figure. Exit code 1 when a picture could not be used; the others are answered anyway.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realfake.core.errors import UserError, one_line, run
from realfake.inference.detector import SHIPPED, Answer, Detector, exported_model, picture_files

DRAWN = 12
"""Pictures in the figure at most."""
NOTHING = np.zeros((0, 0, 3), dtype=np.uint8)


def main() -> int:
    """Read the command line, answer for every picture, draw; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files, or folders of them")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a .tflite or .onnx file (default: of the last export, else the shipped one)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE.png", help="where the figure goes (default prediction.png)"
    )
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    parser.add_argument("--json", action="store_true", help="answers as JSON, and no figure unless --output is given")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads for one answer (default: the runtime's choice)"
    )
    arguments = parser.parse_args()
    check(arguments)
    root = Path(__file__).resolve().parents[2]
    detector = Detector(arguments.model or exported_model(root), arguments.threads)
    if arguments.model is None and detector.path == root / SHIPPED:
        print(f"nothing was trained here yet: {SHIPPED} answers, which learnt from CIFAKE", file=sys.stderr)
    answers, failed = answer_all(detector, arguments.pictures, arguments.json)
    if arguments.json:
        print(json.dumps([as_json(path, answer, detector) for path, answer in answers], indent=2))
    wanted = arguments.output is not None or not (arguments.json or arguments.no_plot)
    if answers and wanted:
        draw(answers[:DRAWN], detector, arguments.output or Path("prediction.png"))
        shown = f"the first {DRAWN} of {len(answers)} pictures" if len(answers) > DRAWN else "figure"
        print(f"{shown}: {arguments.output or 'prediction.png'}", file=sys.stderr)
    return 1 if failed else 0


def check(arguments: argparse.Namespace) -> None:
    """What is possible together.

    Raises:
        UserError: something is not.
    """
    if arguments.threads is not None and arguments.threads < 1:
        raise UserError(f"--threads is {arguments.threads}; expected 1 or more")
    if arguments.output is not None and arguments.no_plot:
        raise UserError("--output names a figure and --no-plot wants none; give one of them")
    if arguments.output is not None and arguments.output.suffix.lower() not in (".png", ".pdf", ".svg", ".jpg"):
        raise UserError(f"--output is {arguments.output}; expected a file that ends in .png, .pdf, .svg or .jpg")
    if arguments.output is not None and not arguments.output.parent.is_dir():
        raise UserError(f"--output is {arguments.output}, but {arguments.output.parent} is no folder; make it first")


def answer_all(detector: Detector, paths: Sequence[Path], silent: bool) -> tuple[list[tuple[Path, Answer]], int]:
    """Answer for every picture, a line each as they come; the answers and how many pictures could not be used."""
    answers: list[tuple[Path, Answer]] = []
    failed = 0
    for path in picture_files(paths):
        try:
            if isinstance(path, UserError):
                raise path
            answer = detector.look(path.read_bytes())
        except (UserError, OSError) as error:
            failed += 1
            reason = error.strerror if isinstance(error, OSError) else one_line(error)
            place = "" if isinstance(path, UserError) else f"{path}: "
            print(f"error: {place}{reason}", file=sys.stderr)
            continue
        answers.append((path, answer if len(answers) < DRAWN else replace(answer, given=NOTHING, seen=NOTHING)))
        if not silent:
            print(f"{path}: {answer.label} ({answer.confidence:.1%})", flush=True)
    return answers, failed


def as_json(path: Path, answer: Answer, detector: Detector) -> dict[str, str | float]:
    """One answer for a program."""
    return {
        "picture": str(path),
        "label": answer.label,
        "confidence": round(answer.confidence, 6),
        "probability_real": round(answer.probability, 6),
        "threshold": detector.description.threshold,
        "model": str(detector.path),
    }


def draw(answers: Sequence[tuple[Path, Answer]], detector: Detector, output: Path) -> None:
    """A row a picture: as it was given, as the network sees it, and the two probabilities."""
    from realfake.inference.prediction_figure import comparison

    titled = [(path.name, answer) for path, answer in answers]
    figure = comparison(titled, detector.description.threshold)
    partial = output.with_name(f".{output.stem}.partial{output.suffix}")
    try:
        figure.savefig(partial, dpi=120)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
