"""Set parameters in params.yaml and keep its comments: `python src/override.py train.epochs=3 train.dropout=0.3`.

Either all values are set or none: an unknown name, a value out of range, and values that exclude each other are refused
with one line.
"""

from realfake.config.editing import override, parse_assignments
from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import workspace


def main() -> None:
    """Read the command line and set the parameters."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "assignment", nargs="+", help="GROUP.NAME=VALUE, the value as it would be written in params.yaml"
    )
    values = parse_assignments(parser.parse_args().assignment)
    if values:
        override(workspace() / "params.yaml", values)
    for name, value in values.items():
        print(f"{name} is now {value}")


if __name__ == "__main__":
    run(main)
