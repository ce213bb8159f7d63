"""Start git, DVC and GitHub's gh, and report in one line why one of them failed; no other module starts them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from realfake.core.errors import UserError, one_line

_MISSING = {
    "git": "git is not installed; install it (git-scm.com)",
    "gh": "gh is not installed; install GitHub's command line program (cli.github.com)",
}
"""Messages for programs that are not installed. DVC is a dependency of this package and always installed."""
_ERROR_LINE = re.compile(r"^(?:fatal|error): *(.+)$", re.IGNORECASE | re.MULTILINE)
"""The line in which git or DVC names the error; lines of advice may follow it."""


class Output(NamedTuple):
    """Hold what a program wrote before it exited with code 0."""

    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Return standard output decoded as UTF-8."""
        return self.stdout.decode("utf-8", "replace")


def git(root: Path, *arguments: str, **variables: str) -> Output:
    """Run git in the folder `root`.

    Args:
        root: the working directory.
        arguments: git's command line arguments.
        variables: environment variables, in addition to those of this process.

    Raises:
        UserError: git is not installed, or it failed.
    """
    return _run("git", ["git"], root, arguments, variables)


def git_or_none(root: Path, *arguments: str, **variables: str) -> bytes | None:
    """Return git's standard output, or None when git fails (as outside a repository) or is not installed."""
    try:
        return git(root, *arguments, **variables).stdout
    except UserError:
        return None


def dvc(root: Path, *arguments: str) -> Output:
    """Run the DVC of this Python environment in the project `root`.

    Raises:
        UserError: DVC failed.
    """
    return _run("dvc", [sys.executable, "-m", "dvc"], root, arguments, {"DVC_NO_ANALYTICS": "1"})


def gh(root: Path, *arguments: str) -> str:
    """Run GitHub's command line program in the clone `root` and return its standard output.

    Raises:
        UserError: gh is not installed, or it failed.
    """
    return _run("gh", ["gh"], root, arguments, {}).text


def command_error(tool: str, arguments: tuple[str, ...], reason: str) -> UserError:
    """Create the error that names the failed command and the reason."""
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
        raise command_error(tool, arguments, _reason(stderr, done.returncode))
    return Output(done.stdout, stderr)


def _reason(stderr: str, code: int) -> str:
    """Return the last line of standard error that is marked as an error, else its last line."""
    lines = _ERROR_LINE.findall(stderr) or [line for line in stderr.splitlines() if line.strip()]
    return one_line(UserError(lines[-1])) if lines else f"exit code {code} without an error message"
