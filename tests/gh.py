"""Stands in for GitHub's command line program, which needs GitHub: lists and serves artifacts, takes a comment.

Artifacts lie in $FAKE_GITHUB/artifacts/RUN/NAME, where tests/workflows.py puts them; RUN/branch says whose they are.
"""

import json
import os
import shutil
import sys
from pathlib import Path

SERVER = Path(os.environ["FAKE_GITHUB"])


def main(words: list[str]) -> None:
    """Do what is asked, or fail as an unknown command does."""
    match words:
        case ["api", path] if path.startswith("repos/{owner}/{repo}/actions/artifacts?name="):
            name = path.partition("name=")[2].partition("&")[0]
            print(json.dumps({"artifacts": [listed(folder) for folder in SERVER.glob(f"artifacts/*/{name}")]}))
        case ["run", "download", run, "--name", name, "--dir", folder]:
            shutil.copytree(SERVER / "artifacts" / run / name, folder, dirs_exist_ok=True)
        case ["pr", "comment", number, "--edit-last", "--create-if-none", "--body-file", file]:
            assert os.environ["GH_TOKEN"]
            (SERVER / f"comment-{number}.md").write_text(Path(file).read_text())
        case _:
            sys.exit(f"unknown command: gh {' '.join(words)}")


def listed(folder: Path) -> dict[str, object]:
    """An artifact as GitHub lists it."""
    run, branch = int(folder.parent.name), (folder.parent / "branch").read_text()
    source = {"id": run, "head_branch": branch, "head_repository_id": 1, "repository_id": 1}
    return {"name": folder.name, "expired": False, "workflow_run": source}


if __name__ == "__main__":
    main(sys.argv[1:])
