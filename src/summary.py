"""Summarise the pipeline's results in a dozen lines, as `make repro` does at its end: `python src/summary.py`."""

from realfake.core.command_line import take_no_arguments
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.reporting.summary import summarise


def main() -> None:
    """Print the summary of this checkout."""
    take_no_arguments(__doc__)
    print("\n".join(summarise(workspace())))


if __name__ == "__main__":
    run(main)
