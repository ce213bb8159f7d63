"""What main's last retraining on GitHub kept, brought back into a clone that has no runs yet.

That is the artifact `state` of .github/workflows/retrain.yml: MLflow's store with the champion, DVC's cache, and main
as it was retrained, for reports to compare with.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.core.errors import UserError
from realfake.core.subprocesses import gh, git_or_none

RETRAINED = "refs/retrained"
"""Main as its last retraining on GitHub left it, computed there and committed by nobody (.ci/keep)."""
ARTIFACT = "state"
BRANCH = "main"
BUNDLE = ".cache/retrained.bundle"
"""The commit of RETRAINED as a git bundle, inside the artifact."""


def newest(artifacts: Iterable[Mapping[str, Any]]) -> int | None:
    """The newest workflow run of main that kept a state; None where none is left.

    A fork's branch may be called main too, and what its pull request leaves is not to be trusted. Numbers of runs grow;
    dates do not say it, since an old run that is started again keeps its state anew.

    Args:
        artifacts: as GitHub lists them.
    """
    trusted = [
        int(artifact["workflow_run"]["id"])
        for artifact in artifacts
        if not artifact["expired"]
        and artifact["workflow_run"]["head_branch"] == BRANCH
        and artifact["workflow_run"]["head_repository_id"] == artifact["workflow_run"]["repository_id"]
    ]
    return max(trusted, default=None)


def restore(root: Path) -> bool:
    """Bring the state into a clone; whether there was one.

    Raises:
        UserError: the clone has runs of its own, or GitHub does not answer.
    """
    if (root / "mlflow.db").exists():
        raise UserError("mlflow.db is here already and would be replaced; restore into a fresh clone, or move it away")
    listing = json.loads(gh(root, "api", f"repos/{{owner}}/{{repo}}/actions/artifacts?name={ARTIFACT}&per_page=100"))
    kept_by = newest(listing["artifacts"])
    if kept_by is None:
        return False
    with TemporaryDirectory() as folder:  # gh replaces no file, and git's .gitkeep is in the way
        gh(root, "run", "download", str(kept_by), "--name", ARTIFACT, "--dir", folder)
        shutil.copytree(folder, root, dirs_exist_ok=True)
    if (root / BUNDLE).is_file():  # it fails where main was rewritten since; then the commits themselves are compared
        git_or_none(root, "fetch", "--quiet", BUNDLE, f"+{RETRAINED}:{RETRAINED}")
    return True
