"""Search for better parameters: `python src/tune.py --trials 30 [--jobs N] [--apply]`.

The space, the metric and how trials are proposed and stopped stand in params.yaml under `tune`. Trials are trainings
like any other, on the pictures that `dvc repro preprocess` made. They are kept in the study: the same command goes on
with it after a stop of any kind, and `--trials` counts the finished ones of the study altogether.
"""

import argparse
import sys
from pathlib import Path

from realfake.core.errors import run


def main() -> None:
    """Read the command line; run the sweep, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30, metavar="N", help="finished trials altogether (default 30)")
    parser.add_argument("--jobs", type=int, metavar="N", help="workers side by side, which share the cores (default 1)")
    parser.add_argument("--metric", choices=("val_accuracy", "val_auc", "val_loss"), help="in place of tune.metric")
    parser.add_argument("--storage", metavar="URL", help="a database that machines share (default: a file here)")
    parser.add_argument("--study", metavar="NAME", help="of the study (default: the last one begun here)")
    parser.add_argument("--new", action="store_true", help="begin another study")
    parser.add_argument("--apply", action="store_true", help="put the best parameters into params.yaml")
    parser.add_argument("--ray", metavar="ADDRESS", help="run the workers on a Ray cluster (--jobs: all that fit)")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="of each worker on Ray (default 2)")
    parser.add_argument("--gpus", type=float, default=0.0, metavar="N", help="of each worker on Ray (default 0)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = vars(parser.parse_args())
    from realfake.sweep.orchestration import Request, tune, work_for_a_pool

    if arguments.pop("worker"):
        work_for_a_pool()
    else:
        tune(Request(**arguments), worker=[sys.executable, str(Path(__file__).resolve()), "--worker"])


if __name__ == "__main__":
    run(main)
