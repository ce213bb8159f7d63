"""Remove old runs, checkpoints and caches: `python src/prune.py --older-than 30 [--dry-run]`, or `make prune`.

It removes MLflow runs, checkpoints and features under .cache/, and data in DVC's cache that nothing refers to. It keeps
what the working tree, a commit or a DVC experiment refers to, and the runs of registered models.
"""

from realfake.core.command_line import argument_parser
from realfake.core.errors import UserError, run
from realfake.tracking.retention import prune


def main() -> None:
    """Read the command line, remove old entries, and print what was removed."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--older-than",
        type=int,
        default=30,
        metavar="DAYS",
        help="remove what is older than this many days (default %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be removed, and remove nothing")
    arguments = parser.parse_args()
    if arguments.older_than < 0:
        raise UserError(f"--older-than is {arguments.older_than}; expected a number of days, 0 or more")
    for line in prune(arguments.older_than, arguments.dry_run):
        print(line)


if __name__ == "__main__":
    run(main)
