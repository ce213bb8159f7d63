"""Compare runs in a table, newest first: `python src/compare.py [--limit N] [--json | --csv]`, or `make compare`.

A row names the parameters that differ from the committed params.yaml and shows the accuracy on the test pictures, on
damaged test pictures (JPEG, noise, blur, ...) and of the exported int8 file, and the seconds of the training. Trials of
sweeps are left out; MLflow shows them (`make ui`).
"""

import json

from realfake.config.schema import load_params
from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.reporting import run_comparison
from realfake.tracking.store import open_store


def main() -> None:
    """Read the command line and print the comparison."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="compare the newest N runs (default %(default)s)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    arguments = parser.parse_args()
    root = workspace()
    experiment = load_params(root / "params.yaml").tracking.experiment
    with open_store(experiment) as client:
        runs = run_comparison.compare(client, experiment, root, max(0, arguments.limit))
    if arguments.json:
        print(json.dumps(run_comparison.as_records(runs), indent=2))
    elif arguments.csv:
        print(run_comparison.as_csv(runs), end="")
    else:
        print(run_comparison.as_table(runs) if runs else "no runs yet; run `make repro` first")


if __name__ == "__main__":
    run(main)
