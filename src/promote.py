"""Make the best run the champion, if the gate lets it: `python src/promote.py [--run ID]`.

The gate stands in params.yaml under `promote`. Exit code 0: promoted, or the best run is the champion already; 3:
refused, or not verified; 1: an error. The champion is `models:/NAME@champion` in MLflow.
"""

import argparse

from realfake.config.schema import load_params
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.tracking.run_link import current_run_id

REFUSED = 3


def main() -> int:
    """Read the command line and do what it says; returns the exit code."""
    arguments = command_line()
    root = workspace()
    params = load_params(root / "params.yaml")
    from realfake.registry.promotion import opened

    with opened(params, root) as registry:
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
    """Read the options, of which at most one may be given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--run", metavar="ID", help="judge this run (id or name) and not the best one on val")
    what.add_argument("--trained", action="store_true", help="judge the run that made outputs/model here")
    what.add_argument("--rollback", action="store_true", help="bring back the champion before the present one")
    what.add_argument("--history", action="store_true", help="who promoted what, when, and what was refused")
    what.add_argument(
        "--lineage",
        nargs="?",
        const="champion",
        metavar="VERSION",
        help="commands that reproduce a version (number or alias; default champion)",
    )
    what.add_argument(
        "--verify",
        nargs="?",
        const="champion",
        metavar="VERSION",
        help="evaluate a version anew and compare with its recorded figures",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
