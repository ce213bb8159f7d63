"""Bring CIFAKE, or your own pictures, into data/ and version them with DVC; or go back to the embedded sample.

Whatever the source, data/ ends up with one archive whose bytes depend on the pictures alone. A kill at any moment
leaves the data that was there, or lets the next start bring it back.
"""

import argparse
from pathlib import Path

from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.data.archive import LAYOUT
from realfake.data.ingest import fetch
from realfake.data.versioning import restore_sample


def main() -> None:
    """Fetch as the command line says."""
    parser = argparse.ArgumentParser(description="Bring CIFAKE (from Kaggle) or your own pictures into data/.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--from", dest="source", type=Path, metavar="PATH", help=f"a folder, .zip or .tar.gz: {LAYOUT}")
    choice.add_argument("--sample", action="store_true", help="go back to the embedded sample")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out files that are no picture")
    options = parser.parse_args()
    if options.sample:
        restore_sample(workspace())
        print("data/ holds the embedded sample again; `dvc repro` goes on from here")
    else:
        fetch(options.source, workspace(), options.skip_unreadable)


if __name__ == "__main__":
    run(main)
