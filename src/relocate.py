"""Update the artifact paths in MLflow's database after the project was moved: `python src/relocate.py`.

The project's own commands do so by themselves. MLflow does not: run this before `mlflow ui` in a moved project.
"""

from realfake.core.command_line import take_no_arguments
from realfake.core.errors import run
from realfake.core.files import home
from realfake.tracking.relocation import relocate


def main() -> None:
    """Update this checkout's database; prints one line if the project was moved, and nothing otherwise."""
    take_no_arguments(__doc__)
    relocate(home())


if __name__ == "__main__":
    run(main)
