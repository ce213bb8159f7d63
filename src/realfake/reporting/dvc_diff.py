"""What differs between a commit and the working tree, by DVC's own diff commands."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realfake.core.errors import UserError
from realfake.core.subprocesses import command_error, dvc, git, git_or_none
from realfake.tracking.restoration import RETRAINED

Differences = Mapping[str, Mapping[str, Any]]
"""By dotted name: `old` and `new`, None where there is none, and `diff` where both are numbers."""
CURVE = ("Accuracy", "val_accuracy", "epoch")
"""The learning curve: a plot of dvc.yaml, and the columns of history.json that it draws one over the other."""

_INPUTS = ("data.dvc", "dvc.yaml", "params.yaml", "src")


@dataclass(frozen=True)
class Base:
    """The commit that is compared with."""

    name: str
    """As people call it: main, HEAD~1 ..."""
    commit: str
    """40 hex digits."""
    retrained: str | None = None
    """A commit of the same data, parameters and code with the results that a retraining of it gave, if there is one."""

    @property
    def state(self) -> str:
        """The commit whose results stand for this one."""
        return self.retrained or self.commit


def base_of(root: Path, named: str | None = None) -> Base | None:
    """The commit to compare with: the one named, else main, or on main itself the commit before.

    Returns:
        None where there is nothing before: HEAD is the first commit.

    Raises:
        UserError: no git repository, no such commit, or a shallow clone does not have it.
    """
    git(root, "--version")  # without git no commit is found either, which would be told in misleading words
    head = _commit(root, "HEAD")
    if head is None:
        raise UserError(f"{root} has no commit to compare with; `git init` and a first commit make one")
    name = named or _default(root, head)
    commit = _commit(root, name)
    if commit is not None:
        same = _git(root, "diff", "--quiet", RETRAINED, commit, "--", *_INPUTS) is not None
        return Base(name, commit, _commit(root, RETRAINED) if same else None)
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise UserError(f"{name} is not in this shallow clone; `git fetch --depth=100 origin` brings more of it")
    if named is None:
        return None
    raise UserError(f"{name} is no revision of this repository; give a branch, a tag or a commit that `git log` knows")


def _default(root: Path, head: str) -> str:
    """main, or in a clone that has no branch of that name what the remote calls so."""
    main = next((name for name in ("main", "origin/main") if _commit(root, name)), None)
    return "HEAD~1" if main is None or _commit(root, main) == head else main


def differences(root: Path, kind: str, base: Base, everything: bool = False) -> dict[str, Differences]:
    """`dvc params diff` or `dvc metrics diff` of the base and the working tree, by file.

    Args:
        root: the project.
        kind: params or metrics.
        base: what is compared with; files that it lacks have no old values.
        everything: the values that are the same, too.

    Raises:
        UserError: DVC refused.
    """
    found = _dvc(root, kind, "diff", base.state, "--json", *(["--all"] if everything else []))
    return {file: values for file, values in json.loads(found or "{}").items() if values}


def curves(root: Path, base: Base) -> tuple[list[float], list[float]]:
    """Accuracy on val by epoch, before and now, from `dvc plots diff`; empty where DVC has no copy of it.

    Raises:
        UserError: DVC refused.
    """
    plot, y, x = CURVE
    shown = json.loads(_dvc(root, "plots", "diff", base.state, "--targets", plot, "--json", "--split") or "{}")
    by_revision: dict[str, dict[int, float]] = {}
    for part in shown.get("data", {}).get(plot, []):
        for point in part["anchor_definitions"]["<DVC_METRIC_DATA>"]:
            if y in point:
                by_revision.setdefault(point["rev"], {})[int(point[x])] = float(point[y])
    now = by_revision.pop("workspace", {})
    before = next(iter(by_revision.values()), {})
    return [before[epoch] for epoch in sorted(before)], [now[epoch] for epoch in sorted(now)]


def plots_page(root: Path, base: Base | None, folder: Path) -> None:
    """Write DVC's page of all plots, with both states in each where there are two: FOLDER/index.html.

    Raises:
        UserError: DVC refused.
    """
    named = base and (RETRAINED if base.retrained else base.name)  # as the page's legends call it
    _dvc(root, "plots", *(["diff", named] if named else ["show"]), "--out", str(folder))


def _commit(root: Path, name: str) -> str | None:
    return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def _git(root: Path, *arguments: str) -> str | None:
    found = git_or_none(root, *arguments)
    return None if found is None else found.decode("utf-8", "replace").strip()


def _dvc(root: Path, *arguments: str) -> str:
    done = dvc(root, *arguments)
    # A commit may lack anything, and DVC says so in a warning; the working tree may not.
    broken = re.search(r"^WARNING: (failed to load .* revision 'workspace'.*)", done.stderr, flags=re.MULTILINE)
    if broken:
        raise command_error("dvc", arguments, broken[1])
    return done.text
