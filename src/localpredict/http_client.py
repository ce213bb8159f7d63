"""Ask a served champion: `python src/localpredict/http_client.py imgs/fake/5.jpg [more of them, folders]`

The server: mlflow models serve --env-manager local -m models:/realfake@champion -p 5001. Pictures are brought to the
network's input here, by the code that training used, and sent as JSON. Needs numpy and pillow. Exit code 1 when
a picture could not be used; the others are answered anyway.
"""

import argparse
import json
import sys
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from urllib.error import HTTPError

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realfake.core.arrays import Inputs
from realfake.core.errors import UserError, one_line, run
from realfake.data.images import decode, network_input, to_source
from realfake.inference.detector import picture_files

BATCH = 64
TIMEOUT = 60
"""Seconds that a request may take."""


def main() -> int:
    """Read the command line, ask, print a line a picture; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files, or folders of them")
    parser.add_argument("--server", default="http://127.0.0.1:5001", metavar="URL", help="default %(default)s")
    parser.add_argument("--source-size", type=int, default=32, metavar="S", help="preprocess.size (default 32)")
    parser.add_argument("--image-size", type=int, default=32, metavar="S", help="train.image_size (default 32)")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="P", help="evaluate.threshold (default 0.5)")
    arguments = parser.parse_args()
    failed = 0
    files = picture_files(arguments.pictures)
    while paths := list(islice(files, BATCH)):
        usable, inputs = readable(paths, arguments.source_size, arguments.image_size)
        failed += len(paths) - len(usable)
        for path, probability in zip(usable, ask(arguments.server, inputs), strict=True):
            label, sure = ("REAL", probability) if probability >= arguments.threshold else ("FAKE", 1 - probability)
            print(f"{path}: {label} ({sure:.1%})", flush=True)
    return 1 if failed else 0


def readable(paths: Sequence[Path | UserError], source_size: int, image_size: int) -> tuple[list[Path], Inputs]:
    """The files that are pictures, and what the network sees of them, float32 (N, S, S, 3); errors go to stderr."""
    usable, seen = [], []
    for path in paths:
        try:
            if isinstance(path, UserError):
                raise path
            seen.append(to_source(decode(path.read_bytes()), source_size))
            usable.append(path)
        except (UserError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else one_line(error)
            print(f"error: {'' if isinstance(path, UserError) else f'{path}: '}{reason}", file=sys.stderr)
    pictures = np.array(seen, dtype=np.uint8).reshape(-1, source_size, source_size, 3)
    return usable, network_input(pictures, image_size)


def ask(server: str, inputs: Inputs) -> list[float]:
    """P(REAL) of each picture.

    Raises:
        UserError: nobody answers there, or not as MLflow's scoring server does.
    """
    if not len(inputs):
        return []
    body = json.dumps({"instances": inputs.tolist()}).encode()
    try:
        request = urllib.request.Request(f"{server}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            probabilities = [float(row[0]) for row in json.load(answer)["predictions"]]
    except HTTPError as error:
        raise UserError(f"{server} refuses the pictures ({one_line(UserError(error.read().decode()), 200)})") from None
    except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{server} does not answer as `mlflow models serve` does ({one_line(error, 120)})") from None
    if len(probabilities) != len(inputs):
        raise UserError(f"{server} gives {len(probabilities)} answers for {len(inputs)} pictures")
    return probabilities


if __name__ == "__main__":
    run(main)
