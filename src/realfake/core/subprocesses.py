"""The one place that starts git, DVC and GitHub's gh, and that says in one line why one of them failed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from realfake.core.errors import UserError, one_line

_MISSING = {
    "git": "git is not here; install it (git-scm.com)",
    "gh": "gh is not here; install GitHub's command line program (cli.github.com)",
}
"""What to say when a program is not installed. DVC is a package of this Python and always there."""
_MARKED = re.compile(r"^(?:fatal|error): *(.+)$", re.IGNORECASE | re.MULTILINE)
"""How git and DVC begin the line that says what went wrong; advice and addresses may follow it."""


class Output(NamedTuple):
    """What a program wrote before it ended with success."""

    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode("utf-8", "replace")


def git(root: Path, *arguments: str, **variables: str) -> Output:
    """Run git in the folder `root`.

    Args:
        root: the working directory.
        arguments: of git.
        variables: of the environment, beside those of this process.

    Raises:
        UserError: git is not installed, or it failed.
    """
    return _run("git", ["git"], root, arguments, variables)


def git_or_none(root: Path, *arguments: str, **variables: str) -> bytes | None:
    """Return what git writes to standard output; None where it fails or is not installed, as outside a repository."""
    try:
        return git(root, *arguments, **variables).stdout
    except UserError:
        return None


def dvc(root: Path, *arguments: str) -> Output:
    """Run the DVC of this Python in the project `root`.

    Raises:
        UserError: DVC failed.
    """
    return _run("dvc", [sys.executable, "-m", "dvc"], root, arguments, {"DVC_NO_ANALYTICS": "1"})


def gh(root: Path, *arguments: str) -> str:
    """Run GitHub's command line program in the clone `root`, and return what it writes to standard output.

    Raises:
        UserError: gh is not installed, or GitHub refused.
    """
    return _run("gh", ["gh"], root, arguments, {}).text


def failed(tool: str, arguments: tuple[str, ...], reason: str) -> UserError:
    """Return the error that says which command failed and why."""
    return UserError(f"`{' '.join((tool, *arguments))}` failed: {reason}")


def _run(tool: str, command: list[str], root: Path, arguments: tuple[str, ...], variables: dict[str, str]) -> Output:
    try:
        done = subprocess.run(
            [*command, *arguments], cwd=root, env=os.environ | variables, capture_output=True, check=False
        )
    except (FileNotFoundError, PermissionError):
        if tool not in _MISSING or not root.is_dir():
            raise
        raise UserError(_MISSING[tool]) from None
    stderr = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        raise failed(tool, arguments, _reason(stderr, done.returncode))
    return Output(done.stdout, stderr)


def _reason(stderr: str, code: int) -> str:
    """The last line that is marked as an error, else the last line at all."""
    lines = _MARKED.findall(stderr) or [line for line in stderr.splitlines() if line.strip()]
    return one_line(UserError(lines[-1])) if lines else f"it ended with exit code {code} and said nothing"
