"""Show what frozen layers computed and is kept: `python src/cache.py [--clear]`, or `make cache [CLEAR=1]`.

Every entry is the output of a network's frozen layers for one split of the pictures, in one augmented view. Nothing is
lost with it but the time to compute it again.
"""

import argparse

from realfake.core.errors import run
from realfake.feature_cache.listing import clear_cache, entries_table
from realfake.feature_cache.store import FeatureCache


def main() -> None:
    """Read the command line; show the entries, or clear them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clear", action="store_true", help="remove all that is not in use")
    arguments = parser.parse_args()
    print((clear_cache if arguments.clear else entries_table)(FeatureCache(0)))


if __name__ == "__main__":
    run(main)
