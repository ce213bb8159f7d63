"""Show or clear the feature cache: `python src/cache.py [--clear]`, or `make cache [CLEAR=1]`.

An entry holds the outputs of a network's frozen layers for all pictures of one split, in one augmented view. Clearing
the cache loses only the time that it takes to compute them again.
"""

from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.feature_cache.listing import clear_cache, entries_table
from realfake.feature_cache.store import FeatureCache


def main() -> None:
    """Read the command line and print the entries, or what was removed."""
    parser = argument_parser(__doc__)
    parser.add_argument("--clear", action="store_true", help="remove all entries that no process uses")
    arguments = parser.parse_args()
    print((clear_cache if arguments.clear else entries_table)(FeatureCache(0)))


if __name__ == "__main__":
    run(main)
