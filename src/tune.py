"""Search for better parameters: `python src/tune.py --trials 30 [--jobs N] [--apply]`.

The search space, the metric, the sampler and the pruner are the group tune of params.yaml. Each trial is a training on
the pictures that `dvc repro preprocess` made. The study keeps its trials: after an interruption the same command
continues it, and --trials counts all finished trials of the study.
"""

import argparse
import sys
from pathlib import Path

from realfake.core.command_line import argument_parser
from realfake.core.errors import run


def main() -> None:
    """Read the command line and run the sweep, or one of its workers."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--trials",
        type=int,
        default=30,
        metavar="N",
        help="finished trials of the study altogether (default %(default)s)",
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="workers that run side by side and share the cores (default 1)"
    )
    parser.add_argument("--metric", choices=("val_accuracy", "val_auc", "val_loss"), help="overrides tune.metric")
    parser.add_argument(
        "--storage", metavar="URL", help="a database that several machines share (default: a file in .cache/)"
    )
    parser.add_argument("--study", metavar="NAME", help="the study's name (default: the last one started here)")
    parser.add_argument("--new", action="store_true", help="start another study")
    parser.add_argument("--apply", action="store_true", help="write the best parameters into params.yaml")
    parser.add_argument("--ray", metavar="ADDRESS", help="run the workers on a Ray cluster (--jobs: as many as fit)")
    parser.add_argument(
        "--cpus", type=int, default=2, metavar="N", help="CPUs of each worker on Ray (default %(default)s)"
    )
    parser.add_argument(
        "--gpus", type=float, default=0.0, metavar="N", help="GPUs of each worker on Ray (default %(default)s)"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = vars(parser.parse_args())
    from realfake.sweep.orchestration import Request, tune, work_for_a_pool

    if arguments.pop("worker"):
        work_for_a_pool()
    else:
        tune(Request(**arguments), worker=[sys.executable, str(Path(__file__).resolve()), "--worker"])


if __name__ == "__main__":
    run(main)
