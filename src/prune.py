"""Remove what has grown old: `python src/prune.py --older-than 30 [--dry-run]`.

Three things take space: MLflow runs, what the stages keep under .cache/ to be faster or to go on after a kill, and
DVC's cache. Nothing that the workspace, a commit or an experiment refers to is touched, and no registered model.
"""

import argparse

from realfake.core.errors import UserError, run
from realfake.tracking.retention import prune


def main() -> None:
    """Read the command line, remove, and say what was freed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--older-than", type=int, default=30, metavar="DAYS", help="age in days (default 30)")
    parser.add_argument("--dry-run", action="store_true", help="remove nothing, only say what would go")
    arguments = parser.parse_args()
    if arguments.older_than < 0:
        raise UserError(f"--older-than {arguments.older_than} is no age; give days, 0 or more")
    for line in prune(arguments.older_than, arguments.dry_run):
        print(line)


if __name__ == "__main__":
    run(main)
