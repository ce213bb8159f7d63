"""What code and what machine a result came from."""

import getpass
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from realfake.core.files import home
from realfake.core.subprocesses import git_or_none

_LIBRARIES = ("tensorflow", "keras", "numpy", "albumentations", "onnxruntime", "ai-edge-litert")
_COMPUTING = ("keras", "tensorflow", "numpy", "albumentations", "opencv-python-headless")


def git_state() -> dict[str, str]:
    """Tags for the commit and for uncommitted changes of code and params; the pipeline's own output is no change."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"git_commit": "none", "git_dirty": "true"}
    changed = _git("status", "--porcelain", "--", ".", ":!dvc.lock", ":!outputs")
    return {"mlflow.source.git.commit": commit, "git_commit": commit, "git_dirty": "true" if changed else "false"}


def machine() -> dict[str, str]:
    """Tags for who ran what, where: processor, instruction set and threads decide about speed and rounding."""
    tags = {"python": platform.python_version(), "cpu": _cpu_field("model name") or platform.machine()}
    tags["instruction_set"] = instruction_set()
    tags["threads"] = str(thread_count())
    tags |= {
        "mlflow.user": _user(),
        "mlflow.source.name": Path(sys.argv[0]).name,
        "mlflow.source.type": "LOCAL",
    }
    return tags | {name: version(name) for name in _LIBRARIES}


def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide what a training, or a frozen layer, computes."""
    return {name: version(name) for name in _COMPUTING}


def instruction_set() -> str:
    """The widest vector instructions of this processor, which decide how sums are rounded."""
    flags = (_cpu_field("flags") or "").split()
    return next((name for name in ("avx512f", "avx2", "avx") if name in flags), platform.machine())


def bfloat16_is_fast() -> bool:
    """Whether this processor computes in bfloat16 itself; others do it in software, slower than float32.

    True where that cannot be told.
    """
    flags = _cpu_field("flags") or _cpu_field("Features")
    return flags is None or bool(set(flags.split()) & {"avx512_bf16", "amx_bf16", "bf16"})


def thread_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return str(os.getuid())


def _cpu_field(field: str) -> str | None:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(field)), None)
    except OSError:
        return None


def _git(*arguments: str) -> str | None:
    found = git_or_none(home(), *arguments)
    return None if found is None else found.decode("utf-8", "replace").strip()
