"""Bring back what main's last retraining on GitHub kept: `python src/restore.py`, in a clone that has no runs yet.

That is the artifact `state` of .github/workflows/retrain.yml: MLflow's store with the champion, DVC's cache, and main
as it was retrained, for reports to compare with. It needs GitHub's command line program, `gh`, and a token that may
read the repository's artifacts.
"""

from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.tracking.restoration import restore


def main() -> None:
    """Restore, and say what was found."""
    if restore(workspace()):
        print("what main's last retraining kept is here: its runs, its champion, its DVC cache")
    else:
        print("no retraining of main has kept anything yet, or it has expired: this one begins anew")


if __name__ == "__main__":
    run(main)
