"""Write the demo as a folder to push to Hugging Face Spaces: `python src/space.py`, or `make space`.

The folder has all it needs: app, the light modules of the library, the model, examples, requirements, README with the
header that Spaces reads. `hf upload USER/NAME outputs/space . --repo-type space` puts it there.
"""

import argparse
from pathlib import Path

from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.export.hugging_face_space import write_space
from realfake.inference.detector import exported_model


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="a .tflite file (default: of the last export, else the shipped one)"
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default outputs/space")
    arguments = parser.parse_args()
    root = workspace()
    output = arguments.output or root / "outputs/space"
    write_space(root, arguments.model or exported_model(root), output)
    print(f"{output} is ready; `python {output}/app.py` tries it, and this pushes it:")
    print(f"hf upload USER/NAME {output} . --repo-type space")


if __name__ == "__main__":
    run(main)
