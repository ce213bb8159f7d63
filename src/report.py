"""Report what changed since main, as Markdown for a pull request: `python src/report.py [--base REV] [--output FILE]`.

The report compares the working tree with a commit: scores with intervals, the gate's verdict, parameters, the learning
curve, why dvc.lock changed, and the exported formats. It computes nothing: run the pipeline first.
"""

from pathlib import Path

from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import atomic_file, workspace
from realfake.reporting.dvc_diff import find_base, write_plots_page
from realfake.reporting.pull_request_report import render_report


def main() -> None:
    """Read the command line and write the report, and DVC's page of plots where --plots asks for it."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--base", metavar="REV", help="the commit to compare with (default: main; on main the commit before)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the report's file (default: standard output)")
    parser.add_argument(
        "--plots", type=Path, metavar="FOLDER", help="also write DVC's page of all plots, FOLDER/index.html"
    )
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help="state in the report that the promotion was rehearsed on a copy of the registry",
    )
    arguments = parser.parse_args()
    root = workspace()
    base = find_base(root, arguments.base)
    page = render_report(root, base, arguments.rehearsal)
    if arguments.plots:
        write_plots_page(root, base, arguments.plots.resolve())
    if arguments.output is None:
        print(page, end="")
        return
    with atomic_file(arguments.output) as file:
        file.write(page.encode())


if __name__ == "__main__":
    run(main)
