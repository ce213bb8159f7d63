"""Make the artifact paths that MLflow stored point into this checkout: `python src/relocate.py`, before MLflow's pages.

The stages do so by themselves; MLflow, started alone in a moved project, does not.
"""

from realfake.core.errors import run
from realfake.core.files import home
from realfake.tracking.relocation import relocate


def main() -> None:
    """Relocate this checkout's store; says so where it was moved, and nothing where it was not."""
    relocate(home())


if __name__ == "__main__":
    run(main)
