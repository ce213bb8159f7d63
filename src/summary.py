"""The close of `make repro`: what the pipeline has come to, in a dozen lines. `python src/summary.py`."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from realfake.benchmark import table
from realfake.errors import run
from realfake.provenance import instruction_set, thread_count
from realfake.runlink import run_of
from realfake.workspace import read_json, sha256_file, workspace

Stages = Mapping[str, Mapping[str, Any]]
"""The `stages` of a dvc.lock: cmd, params, deps and outs of each stage as DVC found them."""


def why_lock_moved(committed: Stages, current: Stages, machine: str) -> str | None:
    """One line on why two states of dvc.lock differ; None when they do not.

    Only causes are named: a stage that ran again because an earlier one gave other bytes is none.

    Args:
        committed: the stages before.
        current: the stages now.
        machine: what decides about rounding here, in words.
    """
    if committed == current:
        return None
    causes = [
        cause
        for name in dict.fromkeys((*current, *committed))
        for cause in _causes(name, committed.get(name), current.get(name))
    ]
    if causes:
        return f"dvc.lock moved: {'; '.join(dict.fromkeys(causes))}"
    first = next((name for name in current if _hashes(current[name], "outs") != _hashes(committed[name], "outs")), None)
    if first is None:
        return "dvc.lock moved in its layout only"
    return f"dvc.lock moved: {first} had the same inputs, but other floating-point rounding (this machine: {machine})"


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


def describe(root: Path) -> Iterator[str]:
    """The lines of the summary.

    Raises:
        UserError: a stage has not run yet.
    """
    report = read_json(root / "outputs/prepared/report.json")
    counts = (f"{split} {sum(classes.values()):,}" for split, classes in report["pictures"].items())
    yield f"data      {', '.join(counts)} pictures; digest {report['digest'][:12]}"
    evaluation = root / "outputs/evaluation"
    score, low, high = (read_json(evaluation / f"{name}.json") for name in ("metrics", "ci_low", "ci_high"))
    yield _with_interval("accuracy", ".2%", score["accuracy"], low["accuracy"], high["accuracy"])
    yield _with_interval("ROC-AUC", ".4f", score["roc_auc"], low["roc_auc"], high["roc_auc"])
    yield from _format_table(root)
    link = run_of(root / "outputs/model")
    if link is not None:
        yield f"run       {link.name} in experiment {link.experiment}: `make ui`, then http://127.0.0.1:5000"


def _with_interval(name: str, style: str, *values: float | None) -> str:
    value, low, high = ("undefined" if number is None else format(number, style) for number in values)
    return f"{name:<9} {value} (95 % interval {low} to {high}) on the test pictures"


def _format_table(root: Path) -> Iterator[str]:
    export = read_json(root / "outputs/export/formats.json")
    measured = root / "outputs/timings/export.json"
    timings = read_json(measured) if measured.is_file() else {}
    same = timings.get("model") == sha256_file(root / "outputs/model/model.keras")
    speeds = timings["formats"] if same else {}
    unknown = "" if speeds else "; their speed was not measured here (`dvc repro -f export` does)"
    yield f"formats   on {export['pictures']:,} test pictures{unknown}"
    yield from (f"  {line}" for line in table(export["formats"], speeds).splitlines())


def _lock_line(root: Path) -> str | None:
    """Why dvc.lock differs from the committed one; None where it does not, or where none is committed."""
    command = ["git", "show", "HEAD:./dvc.lock"]
    committed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if committed.returncode or not (root / "dvc.lock").is_file():
        return None
    before, now = (yaml.safe_load(text)["stages"] for text in (committed.stdout, (root / "dvc.lock").read_text()))
    return why_lock_moved(before, now, f"{instruction_set()}, {thread_count()} threads")


def main() -> None:
    """Print the summary of this checkout."""
    root = workspace()
    for line in (*describe(root), _lock_line(root)):
        if line is not None:
            print(line)


if __name__ == "__main__":
    run(main)
