"""Bring CIFAKE from Kaggle, or your own pictures, into data/ and version them with DVC: `python src/fetch.py`.

Whatever the source, data/ then holds one archive whose bytes depend on the pictures alone. After an interruption the
earlier data is still there, or the next start restores it.
"""

from pathlib import Path

from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.data.archive import LAYOUT
from realfake.data.ingest import fetch
from realfake.data.versioning import restore_sample


def main() -> None:
    """Read the command line and bring the pictures into data/."""
    parser = argument_parser(__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--from", dest="source", type=Path, metavar="PATH", help=f"a folder, .zip or .tar.gz: {LAYOUT}")
    choice.add_argument("--sample", action="store_true", help="restore the embedded sample")
    parser.add_argument("--skip-unreadable", action="store_true", help="skip files that are not pictures")
    arguments = parser.parse_args()
    if arguments.sample:
        restore_sample(workspace())
        print("data/ holds the embedded sample again; run `dvc repro` to train on it")
    else:
        fetch(arguments.source, workspace(), arguments.skip_unreadable)


if __name__ == "__main__":
    run(main)
