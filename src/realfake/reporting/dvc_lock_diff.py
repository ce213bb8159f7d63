"""Why dvc.lock moved: its own words on commands, parameters and files, of two states of it, as one line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from realfake.core.environment import rounding_label
from realfake.core.subprocesses import git_or_none

Stages = Mapping[str, Mapping[str, Any]]
"""The `stages` of a dvc.lock: cmd, params, deps and outs of each stage as DVC found them."""


def lock_moved(root: Path, revision: str = "HEAD") -> str | None:
    """Say why dvc.lock differs from that of a revision.

    None where it does not, or where one of the two is missing.
    """
    states = _states(root, revision)
    return None if states is None else why_lock_moved(*states, rounding_label())


def how_to_drop_rounding(root: Path) -> str | None:
    """Say in one line which committed results differ by this machine's rounding alone, and how to drop that.

    None where something else changed dvc.lock too, or nothing did. This is what the first run in a fresh clone leaves
    on another kind of machine than the committed results come from.
    """
    states = _states(root, "HEAD")
    if states is None or _causes_of(*states) or _rounded(*states) is None:
        return None
    changed = git_or_none(root, "diff", "--name-only", "--relative", "HEAD", "--", "dvc.lock", "outputs")
    files = (changed or b"").decode().split("\n")[:-1]
    return (
        f"rounding alone changed {', '.join(files)}: nothing to commit; "
        "`git restore dvc.lock outputs` drops it, until a stage runs again"
    )


def why_lock_moved(committed: Stages, current: Stages, machine: str) -> str | None:
    """Say in one line why two states of dvc.lock differ; None when they do not.

    Only causes are named: a stage that ran again because an earlier one gave other bytes is none.

    Args:
        committed: the stages before.
        current: the stages now.
        machine: what decides about rounding here, in words.
    """
    if committed == current:
        return None
    causes = _causes_of(committed, current)
    if causes:
        return f"dvc.lock moved: {'; '.join(causes)}"
    stage = _rounded(committed, current)
    if stage is None:
        return "dvc.lock moved in its layout only"
    return f"dvc.lock moved: {stage} had the same inputs, but other floating-point rounding (this machine: {machine})"


def _states(root: Path, revision: str) -> tuple[Stages, Stages] | None:
    """Return the stages of a revision's dvc.lock and of the present one; None where one of the two is missing."""
    committed = git_or_none(root, "show", f"{revision}:./dvc.lock")
    if committed is None or not (root / "dvc.lock").is_file():
        return None
    before, now = (yaml.safe_load(text)["stages"] for text in (committed, (root / "dvc.lock").read_bytes()))
    return before, now


def _causes_of(committed: Stages, current: Stages) -> list[str]:
    names = dict.fromkeys((*current, *committed))
    found = (cause for name in names for cause in _causes(name, committed.get(name), current.get(name)))
    return list(dict.fromkeys(found))


def _rounded(committed: Stages, current: Stages) -> str | None:
    """Return the first stage that gave other bytes, of two states with the same stages; None where none did."""
    return next((name for name in current if _hashes(current[name], "outs") != _hashes(committed[name], "outs")), None)


def _causes(name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[str]:
    if before is None or now is None:
        yield f"stage {name} is {'new' if before is None else 'gone'}"
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
    return {entry["path"]: entry.get("md5", "") for entry in stage.get(kind, [])}


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values under dotted names, the file's own name left out."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = "" if key == "params.yaml" else f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}." if name else "")
        else:
            flat[name] = value
    return flat
