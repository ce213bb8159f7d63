"""What changed since main, as Markdown for a pull request: `python src/report.py [--base REV] [--output FILE]`.

Scores with their intervals, what the gate said of a promotion, parameters, the learning curve, why dvc.lock moved, and
the exported formats. It compares the working tree with a commit and computes nothing: run the pipeline first.
"""

import argparse
from pathlib import Path

from realfake.core.errors import run
from realfake.core.files import atomic_file, workspace
from realfake.reporting.dvc_diff import base_of, plots_page
from realfake.reporting.pull_request_report import report


def main() -> None:
    """Read the command line; write the page, and DVC's own page of plots if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", metavar="REV", help="compare with this (default: main; on main the commit before)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there (default: standard output)")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="DVC's page of all plots, FOLDER/index.html")
    parser.add_argument("--rehearsal", action="store_true", help="say that the promotion was one on a copy")
    arguments = parser.parse_args()
    root = workspace()
    base = base_of(root, arguments.base)
    page = report(root, base, arguments.rehearsal)
    if arguments.plots:
        plots_page(root, base, arguments.plots.resolve())
    if arguments.output is None:
        print(page, end="")
        return
    with atomic_file(arguments.output) as file:
        file.write(page.encode())


if __name__ == "__main__":
    run(main)
