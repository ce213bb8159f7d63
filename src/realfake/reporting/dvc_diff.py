"""Compare a commit with the working tree, by DVC's own diff commands."""

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
"""Values by dotted name: `old` and `new` (None if missing), and `diff` where both are numbers."""
CURVE = ("Accuracy", "val_accuracy", "epoch")
"""The learning curve: name of a plot in dvc.yaml, and the columns of history.json on its y axis and x axis."""

_INPUTS = ("data.dvc", "dvc.yaml", "params.yaml", "src")
"""Paths that decide the results of the pipeline."""


@dataclass(frozen=True)
class Base:
    """A commit that the working tree is compared with."""

    name: str
    """Its name for people: main, HEAD~1 ..."""
    commit: str
    """Its id, 40 hexadecimal digits."""
    retrained: str | None = None
    """Id of a commit with the results of retraining from the same data, parameters and code; None if there is none."""

    @property
    def state(self) -> str:
        """Return the id of the commit that holds the results: the retraining if there is one."""
        return self.retrained or self.commit


def find_base(root: Path, named: str | None = None) -> Base | None:
    """Find the commit to compare with.

    Args:
        root: the project.
        named: a branch, tag or commit; None: main, or on main itself the commit before.

    Returns:
        None if HEAD is the first commit.

    Raises:
        UserError: there is no git repository or no such commit, or a shallow clone lacks it.
    """
    git(root, "--version")  # without git the errors below would be misleading
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
    """Return main, or origin/main in a clone without a branch main; on main itself HEAD~1."""
    main = next((name for name in ("main", "origin/main") if _commit(root, name)), None)
    return "HEAD~1" if main is None or _commit(root, main) == head else main


def read_differences(root: Path, kind: str, base: Base, everything: bool = False) -> dict[str, Differences]:
    """Compare the base with the working tree, by `dvc params diff` or `dvc metrics diff`.

    Args:
        root: the project.
        kind: `params` or `metrics`.
        base: the commit to compare with; files that it lacks have no old values.
        everything: whether to include equal values.

    Returns:
        Differences by the path of the file.

    Raises:
        UserError: DVC failed.
    """
    found = _dvc(root, kind, "diff", base.state, "--json", *(["--all"] if everything else []))
    return {file: values for file, values in json.loads(found or "{}").items() if values}


def read_curves(root: Path, base: Base) -> tuple[list[float], list[float]]:
    """Read the accuracy on val by epoch, at the base and now, from `dvc plots diff`.

    Returns:
        Two lists of values in [0, 1]; a list is empty where DVC has no copy of the history.

    Raises:
        UserError: DVC failed.
    """
    plot, y, x = CURVE
    plots = json.loads(_dvc(root, "plots", "diff", base.state, "--targets", plot, "--json", "--split") or "{}")
    by_revision: dict[str, dict[int, float]] = {}
    for part in plots.get("data", {}).get(plot, []):
        for point in part["anchor_definitions"]["<DVC_METRIC_DATA>"]:
            if y in point:
                by_revision.setdefault(point["rev"], {})[int(point[x])] = float(point[y])
    now = by_revision.pop("workspace", {})
    before = next(iter(by_revision.values()), {})
    return [before[epoch] for epoch in sorted(before)], [now[epoch] for epoch in sorted(now)]


def write_plots_page(root: Path, base: Base | None, folder: Path) -> None:
    """Write DVC's page of all plots, FOLDER/index.html; with a base each plot shows both states.

    Raises:
        UserError: DVC failed.
    """
    named = base and (RETRAINED if base.retrained else base.name)  # the name in the legends
    _dvc(root, "plots", *(["diff", named] if named else ["show"]), "--out", str(folder))


def _commit(root: Path, name: str) -> str | None:
    """Return the id of a revision's commit, None if there is none."""
    return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def _git(root: Path, *arguments: str) -> str | None:
    """Run git, and return its output; None if it failed."""
    found = git_or_none(root, *arguments)
    return None if found is None else found.decode("utf-8", "replace").strip()


def _dvc(root: Path, *arguments: str) -> str:
    """Run DVC, and return its output; raise a UserError if it failed or cannot read the working tree."""
    done = dvc(root, *arguments)
    # DVC only warns about files that it cannot load; a commit may lack files, but the working tree must not.
    broken = re.search(r"^WARNING: (failed to load .* revision 'workspace'.*)", done.stderr, flags=re.MULTILINE)
    if broken:
        raise command_error("dvc", arguments, broken[1])
    return done.text
