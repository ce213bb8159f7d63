"""The close of `make repro`: what the pipeline has come to, in a dozen lines. `python src/summary.py`."""

from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.reporting.summary import summary


def main() -> None:
    """Print the summary of this checkout."""
    print("\n".join(summary(workspace())))


if __name__ == "__main__":
    run(main)
