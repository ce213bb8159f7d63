"""Write the demo as a folder for Hugging Face Spaces: `python src/space.py`, or `make space`.

The folder is complete: the app, the modules that it imports, the model, example pictures, requirements, and a README
with the header that Spaces reads. `hf upload USER/NAME outputs/space . --repo-type space` uploads it.
"""

from pathlib import Path

from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.export.hugging_face_space import write_space
from realfake.inference.detector import default_model


def main() -> None:
    """Read the command line and write the folder."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a .tflite file (default: from the last export, else the shipped detector)",
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="the folder to write (default outputs/space)")
    arguments = parser.parse_args()
    root = workspace()
    output = arguments.output or root / "outputs/space"
    write_space(root, arguments.model or default_model(root), output)
    print(f"{output} is ready. Try it with `python {output}/app.py`; upload it with")
    print(f"hf upload USER/NAME {output} . --repo-type space")


if __name__ == "__main__":
    run(main)
