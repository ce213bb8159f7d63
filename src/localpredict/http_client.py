"""Classify pictures with a served model: `python src/localpredict/http_client.py imgs/fake/5.jpg [FILE | FOLDER ...]`.

Start the server with `mlflow models serve --env-manager local -m models:/realfake@champion -p 5001`. This client
prepares the pictures with the code that training used and sends them as JSON. It needs numpy and pillow. Exit code 1:
a picture could not be used; all others are classified nevertheless.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.inference.scoring_client import classify_on_server


def main() -> int:
    """Read the command line, print a line for each picture, and return the exit code."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files, or folders with pictures"
    )
    parser.add_argument(
        "--server", default="http://127.0.0.1:5001", metavar="URL", help="the server (default %(default)s)"
    )
    parser.add_argument(
        "--source-size", type=int, default=32, metavar="S", help="the model's preprocess.size (default %(default)s)"
    )
    parser.add_argument(
        "--image-size", type=int, default=32, metavar="S", help="the model's train.image_size (default %(default)s)"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        metavar="P",
        help="P(REAL) from which a picture is called REAL (default %(default)s)",
    )
    arguments = parser.parse_args()
    sizes = (arguments.source_size, arguments.image_size)
    return 1 if classify_on_server(arguments.server, arguments.pictures, *sizes, arguments.threshold) else 0


if __name__ == "__main__":
    run(main)
