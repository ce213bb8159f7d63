"""Promote the best run to champion if it passes the gate: `python src/promote.py [--run ID]`.

The gate's limits are the group promote of params.yaml; the champion is `models:/NAME@champion` in MLflow's registry.
Exit code 0: promoted, or the best run is the champion already; 3: refused, or not verified; 1: an error.
"""

import argparse

from realfake.config.schema import load_params
from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.tracking.run_link import current_run_id

REFUSED = 3
"""Exit code after a refused promotion or a failed verification."""


def main() -> int:
    """Read the command line, do what it asks for, and return the exit code."""
    arguments = command_line()
    root = workspace()
    params = load_params(root / "params.yaml")
    from realfake.registry.promotion import open_promotion

    with open_promotion(params, root) as registry:
        if arguments.history:
            print(registry.history())
        elif arguments.lineage:
            print("\n".join(registry.lineage(arguments.lineage)))
        elif arguments.verify:
            return 0 if registry.verify(arguments.verify) else REFUSED
        elif arguments.rollback:
            registry.rollback()
        else:
            wanted = current_run_id(root) if arguments.trained else arguments.run
            return 0 if registry.promote(wanted) else REFUSED
    return 0


def command_line() -> argparse.Namespace:
    """Read the options; they exclude each other."""
    parser = argument_parser(__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--run", metavar="ID", help="check this run (id or name) instead of the best one on val")
    action.add_argument("--trained", action="store_true", help="check the run that trained outputs/model")
    action.add_argument("--rollback", action="store_true", help="make the previous champion the champion again")
    action.add_argument(
        "--history", action="store_true", help="list promotions, rollbacks and refusals: who, when, which run"
    )
    action.add_argument(
        "--lineage",
        nargs="?",
        const="champion",
        metavar="VERSION",
        help="print the commands that reproduce a version (number or alias; default champion)",
    )
    action.add_argument(
        "--verify",
        nargs="?",
        const="champion",
        metavar="VERSION",
        help="evaluate a version again and compare the scores with the recorded ones (default champion)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
