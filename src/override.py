"""Set parameters of params.yaml, comments kept: `python src/override.py train.epochs=3 train.dropout=0.3`.

All or none: what is unknown, out of range or does not go together is refused with one line.
"""

import argparse

from realfake.config.editing import assignments, override
from realfake.core.errors import run
from realfake.core.files import workspace


def main() -> None:
    """Read the command line and set the parameters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="+", help="name=value; the value as params.yaml would have it")
    values = assignments(parser.parse_args().assignment)
    if values:
        override(workspace() / "params.yaml", values)
    for name, value in values.items():
        print(f"{name} is now {value}")


if __name__ == "__main__":
    run(main)
