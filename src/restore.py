"""Restore what main's last retraining on GitHub kept: `python src/restore.py`, in a clone that has no runs yet.

It downloads the artifact `state` of .github/workflows/retrain.yml: MLflow's store with the champion, DVC's cache, and
the state of main after that retraining, which reports compare with. It needs GitHub's command line program `gh` and a
token that may read the repository's artifacts.
"""

from realfake.core.command_line import take_no_arguments
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.tracking.restoration import restore


def main() -> None:
    """Restore the artifact and print whether there was one."""
    take_no_arguments(__doc__)
    if restore(workspace()):
        print("restored what main's last retraining kept: its runs, its champion, its DVC cache")
    else:
        print("nothing to restore: no retraining of main has kept anything yet, or it has expired")


if __name__ == "__main__":
    run(main)
