"""Runs the commands of a GitHub workflow here: each job in a clone of its own, steps in bash, GitHub's part in folders.

Understood is what our workflows use: `if:` and `${{ }}` with contexts, comparisons, `&&`, `||`, `!` and always();
checkout is a clone, artifacts are folders, setup-python and the cloud's keys are nothing, and `gh` is tests/gh.py. An
action or a function that is not known fails the test.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from checkouts import environment, keep_state_here

FAKE_GH = Path(__file__).with_name("gh.py")
NOTHING_TO_DO = ("actions/setup-python", "aws-actions/configure-aws-credentials")


def load(path: Path) -> dict[str, Any]:
    """A workflow file; YAML 1.1 takes its key `on` for true."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["on"] = document.pop(True)
    return dict(document)


@dataclass
class GitHub:
    """A repository on GitHub, its artifacts and its comments, as folders."""

    origin: Path
    """The repository; its branch main is checked out."""
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0
    jobs: dict[str, "Job"] = field(default_factory=dict)
    """The jobs of the last run that were not skipped."""

    def run(
        self, workflow: str, event: str, ref: str = "refs/heads/main", inputs: Mapping[str, Any] | None = None
    ) -> None:
        """Run the jobs of a workflow file, one after the other.

        Raises:
            AssertionError: a step failed; the message has what it printed.
        """
        self.runs += 1
        self.jobs = {}
        branch = "main" if ref == "refs/heads/main" else "topic"
        contexts: dict[str, Any] = {
            "github": {
                "event_name": event,
                "ref": ref,
                "repository": "owner/realfake",
                "run_id": self.runs,
                "run_attempt": 1,
                "token": "token",
                "event": {"number": 7, "pull_request": {"head": {"repo": {"full_name": "owner/realfake"}}}},
            },
            "inputs": inputs or {},
            "vars": self.variables,
            "secrets": self.secrets,
        }
        for name, job in load(self.origin / f".github/workflows/{workflow}")["jobs"].items():
            needed = [job.get("needs", [])] if isinstance(job.get("needs"), str) else job.get("needs", [])
            if all(need in self.jobs for need in needed) and truth(evaluate(job.get("if", "always()"), contexts)):
                self.jobs[name] = Job(self, name, branch, contexts)
                self.jobs[name].run(job)


class Job:
    """One job of a run, on a machine of its own: a folder."""

    def __init__(self, github: GitHub, name: str, branch: str, contexts: Mapping[str, Any]) -> None:
        self.github, self.contexts, self.branch = github, contexts, branch
        self.machine = github.folder / f"machines/{github.runs}-{name}"
        self.workspace = self.machine / "realfake"
        self.steps: list[str] = []
        """The steps that ran."""
        self.output = ""
        self.files = {key: self.machine / key for key in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}

    def run(self, job: Mapping[str, Any]) -> None:
        """Run the steps whose condition holds."""
        self.workspace.mkdir(parents=True)
        for file in self.files.values():
            file.touch()
        gh = self.machine / "bin/gh"
        gh.parent.mkdir()
        gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_GH}" "$@"\n')
        gh.chmod(0o755)
        for step in job["steps"]:
            if not truth(evaluate(step.get("if", "always()"), self.contexts)):
                continue
            self.steps.append(step.get("name") or step.get("uses", "").partition("@")[0] or step["run"])
            if "run" in step:
                self._command(step["run"], {**job.get("env", {}), **step.get("env", {})})
            else:
                self._action(step["uses"].partition("@")[0], self._filled(step.get("with", {})))

    def summary(self) -> str:
        """What the job wrote for the run's page."""
        return self.files["GITHUB_STEP_SUMMARY"].read_text()

    def _command(self, script: str, variables: Mapping[str, str]) -> None:
        shown = dict(line.split("=", 1) for line in self.files["GITHUB_ENV"].read_text().splitlines())
        kept = {key: str(path) for key, path in self.files.items()} | {"FAKE_GITHUB": str(self.github.folder)}
        # No installation: the Python of this test stands in for the one that `make env` would make.
        extra = self._filled(variables) | shown | kept | {"PYTHON": "true", "VENV": sys.prefix}
        env = environment(CI="true", **extra)
        env["PATH"] = os.pathsep.join([str(self.machine / "bin"), env["PATH"]])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(
            command, cwd=self.workspace, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        self.output += done.stdout + done.stderr
        assert done.returncode == 0, f"{script}\n{self.output[-5000:]}"

    def _action(self, action: str, inputs: Mapping[str, str]) -> None:
        artifacts = self.github.folder / f"artifacts/{self.github.runs}"
        if action == "actions/checkout":
            subprocess.run(["git", "clone", "--quiet", self.github.origin, self.workspace], check=True)
            if self.branch != "main":
                git = ["git", "-C", str(self.workspace)]
                subprocess.run([*git, "checkout", "--quiet", "--detach", f"origin/{self.branch}"], check=True)
                subprocess.run(
                    [*git, "branch", "--quiet", "-D", "main"], check=True
                )  # the action fetches no such branch
            keep_state_here(self.workspace)
        elif action == "actions/upload-artifact":
            shutil.rmtree(artifacts / inputs["name"], ignore_errors=True)
            artifacts.mkdir(parents=True, exist_ok=True)
            (artifacts / "branch").write_text(self.branch)
            paths = inputs["path"].split()
            found = [path for path in paths if (self.workspace / path).exists()]
            assert found, f"nothing to upload: {paths}"
            for path in found:
                place = artifacts / inputs["name"] / (path if len(paths) > 1 else "")
                copy(self.workspace / path, place, hidden=inputs.get("include-hidden-files") == "true")
        elif action == "actions/download-artifact":
            shutil.copytree(artifacts / inputs["name"], self.workspace / inputs.get("path", "."), dirs_exist_ok=True)
        else:
            assert action in NOTHING_TO_DO, f"{action} is unknown here"

    def _filled(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {
            key: fill(str(value).lower() if value is True else str(value), self.contexts)
            for key, value in values.items()
        }


def copy(source: Path, target: Path, hidden: bool) -> None:
    """Copy a file or folder as upload-artifact does, which leaves hidden files out unless it is told otherwise."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return
    shutil.copytree(source, target, ignore=None if hidden else shutil.ignore_patterns(".*"), dirs_exist_ok=True)


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with its `${{ }}` filled in."""

    def value(match: re.Match[str]) -> str:
        found = evaluate(match[1], contexts)
        return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression of GitHub's language."""
    text = expression.strip().removeprefix("${{").removesuffix("}}").strip()
    parts = re.split(r"('[^']*')", text)  # what is quoted stays as it is
    for place in range(0, len(parts), 2):
        parts[place] = re.sub(r"!(?!=)", " not ", parts[place].replace("&&", " and ").replace("||", " or "))
    return _value(ast.parse("".join(parts).strip(), mode="eval").body, contexts)


def truth(value: Any) -> bool:
    """What GitHub takes for true."""
    return value not in (None, False, 0, "")


def _value(node: ast.expr, contexts: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one for each kind of node
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id="true" | "false" as word):
            return word == "true"
        case ast.Name(id=name):
            return contexts[name]  # a context that does not exist fails the test
        case ast.Attribute(value=inner, attr=name):
            outer = _value(inner, contexts)
            return outer.get(name) if isinstance(outer, Mapping) else None
        case ast.BoolOp(op=op, values=values):
            found: Any = None
            for value in values:
                found = _value(value, contexts)
                if truth(found) is isinstance(op, ast.Or):
                    break
            return found
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not truth(_value(operand, contexts))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(op, _value(left, contexts), _value(right, contexts))
        case ast.Call(func=ast.Name(id="always"), args=[]):
            return True
    raise AssertionError(f"not understood: {ast.unparse(node)}")


def _compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    """GitHub compares values of different types as numbers: nothing, false and an empty text are 0."""
    if type(left) is not type(right):
        left, right = (float(value or 0) for value in (left, right))
    compared = {ast.Eq: left == right, ast.NotEq: left != right}
    return compared[type(op)] if type(op) in compared else bool(left > right)
