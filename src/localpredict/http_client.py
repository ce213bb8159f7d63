"""Ask a served champion: `python src/localpredict/http_client.py imgs/fake/5.jpg [more of them, folders]`

The server: mlflow models serve --env-manager local -m models:/realfake@champion -p 5001. Pictures are brought to the
network's input here, by the code that training used, and sent as JSON. Needs numpy and pillow. Exit code 1 when
a picture could not be used; the others are answered anyway.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realfake.core.errors import run
from realfake.inference.scoring_client import ask_for_all


def main() -> int:
    """Read the command line, ask, print a line a picture; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files, or folders of them")
    parser.add_argument("--server", default="http://127.0.0.1:5001", metavar="URL", help="default %(default)s")
    parser.add_argument("--source-size", type=int, default=32, metavar="S", help="preprocess.size (default 32)")
    parser.add_argument("--image-size", type=int, default=32, metavar="S", help="train.image_size (default 32)")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="P", help="evaluate.threshold (default 0.5)")
    arguments = parser.parse_args()
    sizes = (arguments.source_size, arguments.image_size)
    return 1 if ask_for_all(arguments.server, arguments.pictures, *sizes, arguments.threshold) else 0


if __name__ == "__main__":
    run(main)
