"""Describe the code and the machine that a result came from."""

import getpass
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from realfake.core.files import home
from realfake.core.subprocesses import git_or_none

CPU_INFO = Path("/proc/cpuinfo")
"""Linux's description of the processor; the file does not exist on other systems."""
_LIBRARIES = ("tensorflow", "keras", "numpy", "albumentations", "onnxruntime", "ai-edge-litert")
"""Packages whose versions become tags of a run."""
_KERNEL_INSTRUCTIONS = {
    "avx512f": ("avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16", "amx_fp16"),
    "avx2": ("avx_vnni", "avx_vnni_int8", "avx_ne_convert"),
    "avx": (),
    "asimd": ("asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
}
"""Vector instruction sets, widest first, each with the bfloat16 and int8 extensions that numerical libraries use."""
_COMPUTING = ("keras", "tensorflow", "numpy", "albumentations", "opencv-python-headless")
"""Packages whose versions become part of the keys of checkpoints and cached features."""


def git_tags() -> dict[str, str]:
    """Return tags with the commit, and whether code or params have uncommitted changes.

    Changes of what the pipeline itself writes (dvc.lock and outputs/) do not count.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"git_commit": "none", "git_dirty": "true"}
    changed = _git("status", "--porcelain", "--", ".", ":!dvc.lock", ":!outputs")
    return {"mlflow.source.git.commit": commit, "git_commit": commit, "git_dirty": "true" if changed else "false"}


def machine_tags() -> dict[str, str]:
    """Return tags with the user, the script, the machine and the versions of Python and of the numerical libraries."""
    tags = {
        "python": platform.python_version(),
        **rounding_tags(),
        "mlflow.user": _user(),
        "mlflow.source.name": Path(sys.argv[0]).name,
        "mlflow.source.type": "LOCAL",
    }
    return tags | {name: version(name) for name in _LIBRARIES}


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that determine what a training or a frozen layer computes."""
    return {name: version(name) for name in _COMPUTING}


def rounding_tags() -> dict[str, str]:
    """Return tags with all that decides how sums are rounded.

    Equal bytes are promised only between machines on which all of these tags agree.
    """
    return {"cpu": processor(), "instruction_set": instruction_set(), "threads": str(thread_count())}


def rounding_label() -> str:
    """Return `rounding_tags` as one line: 'avx512f avx512_bf16, AMD EPYC (family 26, model 2), 2 threads'."""
    return f"{instruction_set()}, {processor()}, {thread_count()} threads"


def instruction_set() -> str:
    """Return the instruction sets by which oneDNN, XNNPACK and ONNX Runtime choose their kernels, widest first.

    Names are those of /proc/cpuinfo; without that file it is the architecture's name, such as arm64.
    """
    flags = (_cpu_field("flags") or _cpu_field("Features") or "").split()
    for widest, refinements in _KERNEL_INSTRUCTIONS.items():
        if widest in flags:
            return " ".join((widest, *(name for name in refinements if name in flags)))
    return platform.machine()


def processor() -> str:
    """Return the processor's name, with its family and model where they are known.

    Numerical libraries split sums by cache size and choose kernels by processor model (OpenBLAS does), so the
    instruction set alone does not determine the order of additions. A virtual machine may report no model.
    """
    name = _cpu_field("model name") or platform.processor() or platform.machine()
    fields = {"family": "cpu family", "model": "model", "part": "CPU part"}  # Arm has a part
    found = [f"{word} {value}" for word, field in fields.items() if (value := _cpu_field(field))]
    return f"{name} ({', '.join(found)})" if found else name


def bfloat16_is_fast() -> bool:
    """Return whether this processor has bfloat16 instructions; emulated in software bfloat16 is slower than float32.

    The result is True when the processor's instructions are not known.
    """
    flags = _cpu_field("flags") or _cpu_field("Features")
    return flags is None or bool(set(flags.split()) & {"avx512_bf16", "amx_bf16", "bf16"})


def thread_count() -> int:
    """Return the number of logical processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the user id may have no name
        return str(os.getuid())


def _cpu_field(field: str) -> str | None:
    """Return the value of the first line `field : value` in /proc/cpuinfo, or None without that line or file."""
    try:
        with CPU_INFO.open(encoding="utf-8") as file:
            pairs = (line.partition(":") for line in file)
            return next((value.strip() for name, _, value in pairs if name.strip() == field), None)
    except OSError:
        return None


def _git(*arguments: str) -> str | None:
    found = git_or_none(home(), *arguments)
    return None if found is None else found.decode("utf-8", "replace").strip()
