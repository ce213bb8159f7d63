"""Show the runs beside each other, newest first: changed parameters, accuracy, seconds. `python src/compare.py`.

Figures are on the test pictures: accuracy as they are, damaged (JPEG, noise, blur ...), and of the int8 file.
Parameters are compared with the committed params.yaml. Trials of sweeps are left out; MLflow's pages show them
(`make ui`).
"""

import argparse
import json

from realfake.config.schema import load_params
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.reporting import run_comparison
from realfake.tracking.store import open_store


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="the newest N runs (%(default)s)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--csv", action="store_true", help="as comma-separated values")
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
        print(run_comparison.as_table(runs) if runs else "no runs yet; `make repro` makes the first")


if __name__ == "__main__":
    run(main)
