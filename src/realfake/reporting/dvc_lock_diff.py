"""Explain in one line why dvc.lock changed, from the commands, parameters and files in two versions of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from realfake.core.environment import rounding_label
from realfake.core.subprocesses import git_or_none

Stages = Mapping[str, Mapping[str, Any]]
"""The entry `stages` of a dvc.lock: cmd, params, deps and outs of each stage."""


def explain_lock_change(root: Path, revision: str = "HEAD") -> str | None:
    """Return one line on why dvc.lock differs from that of a revision.

    Returns:
        None where it does not, or where one of the two is missing.
    """
    states = _states(root, revision)
    return None if states is None else describe_lock_change(*states, rounding_label())


def explain_rounding_changes(root: Path) -> str | None:
    """Return one line on the committed results that differ only by this machine's rounding, and how to restore them.

    The first run in a new clone changes them on another kind of machine than the one of the committed results.

    Returns:
        None where dvc.lock did not change, or has changed for another reason too.
    """
    states = _states(root, "HEAD")
    if states is None or _causes_of(*states) or _first_changed_stage(*states) is None:
        return None
    changed = git_or_none(root, "diff", "--name-only", "--relative", "HEAD", "--", "dvc.lock", "outputs")
    files = (changed or b"").decode().split("\n")[:-1]
    return (
        f"only floating-point rounding changed {', '.join(files)}: there is nothing to commit; "
        "`git restore dvc.lock outputs` restores them, until a stage runs again"
    )


def describe_lock_change(committed: Stages, current: Stages, machine: str) -> str | None:
    """Return one line on why two versions of dvc.lock differ; None when they do not.

    Only causes are named, and not the stages that ran again because of them.

    Args:
        committed: the stages before.
        current: the stages now.
        machine: properties of this machine that decide about rounding (see `rounding_label`).
    """
    if committed == current:
        return None
    causes = _causes_of(committed, current)
    if causes:
        return f"dvc.lock changed: {'; '.join(causes)}"
    stage = _first_changed_stage(committed, current)
    if stage is None:
        return "dvc.lock changed only in its layout"
    return (
        f"dvc.lock changed: {stage} had the same inputs, but floating-point rounding differs (this machine: {machine})"
    )


def _states(root: Path, revision: str) -> tuple[Stages, Stages] | None:
    """Return the stages of a revision's dvc.lock and of the present one; None where one of the two is missing."""
    committed = git_or_none(root, "show", f"{revision}:./dvc.lock")
    if committed is None or not (root / "dvc.lock").is_file():
        return None
    before, now = (yaml.safe_load(text)["stages"] for text in (committed, (root / "dvc.lock").read_bytes()))
    return before, now


def _causes_of(committed: Stages, current: Stages) -> list[str]:
    """Return all causes, each once, in the order of the stages."""
    names = dict.fromkeys((*current, *committed))
    found = (cause for name in names for cause in _causes(name, committed.get(name), current.get(name)))
    return list(dict.fromkeys(found))


def _first_changed_stage(committed: Stages, current: Stages) -> str | None:
    """Return the first stage whose outputs differ, of two versions with the same stages; None if there is none."""
    return next((name for name in current if _hashes(current[name], "outs") != _hashes(committed[name], "outs")), None)


def _causes(name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what changed in one stage: its command, parameters, and files other than outputs of earlier stages."""
    if before is None or now is None:
        yield f"stage {name} is {'new' if before is None else 'removed'}"
        return
    if before["cmd"] != now["cmd"]:
        yield f"{name} runs another command"
    old_values, values = _flat(before.get("params", {})), _flat(now.get("params", {}))
    for key in dict.fromkeys((*old_values, *values)):
        if old_values.get(key) != values.get(key):
            yield f"{key} {old_values.get(key)} -> {values.get(key)}"
    old_files, files = _hashes(before, "deps"), _hashes(now, "deps")
    for path in dict.fromkeys((*old_files, *files)):
        if not path.startswith("outputs/") and old_files.get(path) != files.get(path):
            yield f"{path} changed"


def _hashes(stage: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the MD5 of each file of a stage's `deps` or `outs`."""
    return {entry["path"]: entry.get("md5", "") for entry in stage.get(kind, [])}


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return parameters by dotted name, without the name of their file."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = "" if key == "params.yaml" else f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}." if name else "")
        else:
            flat[name] = value
    return flat
