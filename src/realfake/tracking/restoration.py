"""Restore the state that the last retraining of main on GitHub saved, into a clone that has no runs yet.

The state is an artifact of .github/workflows/retrain.yml: MLflow's store with the champion, DVC's cache, and the commit
of main with the results of its retraining, with which reports compare.
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
"""Git reference of main with the results of its last retraining on GitHub; no branch contains it (.ci/keep)."""
ARTIFACT = "state"
BRANCH = "main"
BUNDLE = ".cache/retrained.bundle"
"""Path inside the artifact of the commit of RETRAINED as a git bundle."""


def newest_trusted_run(artifacts: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the id of the newest workflow run of main that saved a state; None where none is available.

    Runs of forks are left out: a fork's branch may be called main too, and its artifacts cannot be trusted. The newest
    run has the highest id; dates are no guide, since an old run that is started again saves its state anew.

    Args:
        artifacts: the artifacts as GitHub's API lists them.
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
    """Copy the newest saved state into a clone.

    Returns:
        Whether there was a state to restore.

    Raises:
        UserError: the clone has runs of its own, or GitHub does not answer.
    """
    if (root / "mlflow.db").exists():
        raise UserError("mlflow.db already exists and would be replaced; restore into a fresh clone, or move it away")
    listing = json.loads(gh(root, "api", f"repos/{{owner}}/{{repo}}/actions/artifacts?name={ARTIFACT}&per_page=100"))
    run_id = newest_trusted_run(listing["artifacts"])
    if run_id is None:
        return False
    with TemporaryDirectory() as folder:  # gh refuses to replace files, and mlruns/.gitkeep exists in every clone
        gh(root, "run", "download", str(run_id), "--name", ARTIFACT, "--dir", folder)
        shutil.copytree(folder, root, dirs_exist_ok=True)
    if (root / BUNDLE).is_file():  # fetching fails if main was rewritten since; reports then compare with the commits
        git_or_none(root, "fetch", "--quiet", BUNDLE, f"+{RETRAINED}:{RETRAINED}")
    return True
