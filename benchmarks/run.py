"""Measure, side by side: `make bench [FROM=cifake.tar.gz] [NAME=deck_recipe]`; `python benchmarks/run.py --help`.

Each benchmark is a file here, runs in a process of its own and leaves `benchmarks/results/<name>.json`, with machine
and versions. The tables and the figure are drawn from those files.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

from sandbox import CIFAKE

from realfake.core.environment import git_tags, machine_tags
from realfake.core.errors import UserError, run
from realfake.core.json_files import write_json

RESULTS = Path(__file__).with_name("results")
NAMES = (
    "deck_recipe",
    "time_to_accuracy",
    "cache_filling",
    "runtimes",
    "input_pipeline",
    "sweep_cost",
    "search",
    "transfer",
    "first_answer",
    "serving",
    "formats",
    "ablation",
    "damage_cost",
    "another_generator",
)


def main() -> None:
    """Run the chosen benchmarks one after the other, then draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all of them when none is given"
    )
    parser.add_argument("--from", dest="archive", type=Path, default=CIFAKE, help="CIFAKE as one archive")
    parser.add_argument("--repeats", type=int, default=3, help="measure_in_rounds of each measurement (default 3)")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown or arguments.repeats < 1:
        wrong = f"no benchmark is called {sorted(unknown)[0]}" if unknown else f"--repeats is {arguments.repeats}"
        raise UserError(f"{wrong}; expected names of {', '.join(NAMES)} and 1 repeat or more")
    archive = arguments.archive.resolve()
    if arguments.alone:
        _measure(arguments.names[0], archive, arguments.repeats)
        return
    for name in arguments.names or NAMES:
        print(f"{name}: {importlib.import_module(name).__doc__.splitlines()[0]}", flush=True)
        command = [
            sys.executable,
            __file__,
            name,
            "--from",
            str(archive),
            "--repeats",
            str(arguments.repeats),
            "--alone",
        ]
        if subprocess.run(command, check=False).returncode:
            raise UserError(f"{name} failed; what it said stands above. The others: give their names")
    subprocess.run([sys.executable, str(Path(__file__).with_name("report.py"))], check=True)


def _measure(name: str, archive: Path, repeats: int) -> None:
    result = importlib.import_module(name).measure(archive, repeats)
    tags = {key: value for key, value in machine_tags().items() if not key.startswith("mlflow.")}
    write_json(
        RESULTS / f"{name}.json",
        {"machine": tags, "git": git_tags()["git_commit"], "git_dirty": git_tags()["git_dirty"], "result": result},
    )


if __name__ == "__main__":
    run(main)
