"""What code and what machine a result came from."""

import getpass
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from realfake.core.files import home
from realfake.core.subprocesses import git_or_none

CPU_INFO = Path("/proc/cpuinfo")
"""What Linux tells of the processor; other systems have none."""
_LIBRARIES = ("tensorflow", "keras", "numpy", "albumentations", "onnxruntime", "ai-edge-litert")
_KERNEL_INSTRUCTIONS = {
    "avx512f": ("avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16", "amx_fp16"),
    "avx2": ("avx_vnni", "avx_vnni_int8", "avx_ne_convert"),
    "avx": (),
    "asimd": ("asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
}
"""Vector instructions, the widest first, each with those for bfloat16 and int8 that libraries look for beside it."""
_COMPUTING = ("keras", "tensorflow", "numpy", "albumentations", "opencv-python-headless")


def git_tags() -> dict[str, str]:
    """Tags for the commit and for uncommitted changes of code and params; the pipeline's own output is no change."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"git_commit": "none", "git_dirty": "true"}
    changed = _git("status", "--porcelain", "--", ".", ":!dvc.lock", ":!outputs")
    return {"mlflow.source.git.commit": commit, "git_commit": commit, "git_dirty": "true" if changed else "false"}


def machine_tags() -> dict[str, str]:
    """Tags for who ran what, where, with which versions of the libraries that compute."""
    tags = {
        "python": platform.python_version(),
        **rounding_tags(),
        "mlflow.user": _user(),
        "mlflow.source.name": Path(sys.argv[0]).name,
        "mlflow.source.type": "LOCAL",
    }
    return tags | {name: version(name) for name in _LIBRARIES}


def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide what a training, or a frozen layer, computes."""
    return {name: version(name) for name in _COMPUTING}


def rounding_tags() -> dict[str, str]:
    """Tags for what decides how sums are rounded: two machines promise equal bytes only where all of these agree."""
    return {"cpu": processor(), "instruction_set": instruction_set(), "threads": str(thread_count())}


def rounding_label() -> str:
    """`rounding_tags` in one line, such as 'avx512f avx512_bf16, AMD EPYC (family 26, model 2), 2 threads'."""
    return f"{instruction_set()}, {processor()}, {thread_count()} threads"


def instruction_set() -> str:
    """The instructions among which oneDNN, XNNPACK and ONNX Runtime choose their kernels, the widest vectors first.

    Names are those of /proc/cpuinfo; where there is none, that of the architecture, such as arm64.
    """
    flags = (_cpu_field("flags") or _cpu_field("Features") or "").split()
    for widest, refinements in _KERNEL_INSTRUCTIONS.items():
        if widest in flags:
            return " ".join((widest, *(name for name in refinements if name in flags)))
    return platform.machine()


def processor() -> str:
    """The processor's name, with its family and model where they are known.

    Libraries split sums by the sizes of caches and choose kernels by the model (OpenBLAS does), so the instructions
    alone do not decide the order in which numbers are added. A virtual machine may give the name without the model.
    """
    name = _cpu_field("model name") or platform.processor() or platform.machine()
    fields = {"family": "cpu family", "model": "model", "part": "CPU part"}  # Arm has a part
    found = [f"{word} {value}" for word, field in fields.items() if (value := _cpu_field(field))]
    return f"{name} ({', '.join(found)})" if found else name


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
        with CPU_INFO.open(encoding="utf-8") as file:
            pairs = (line.partition(":") for line in file)
            return next((value.strip() for name, _, value in pairs if name.strip() == field), None)
    except OSError:
        return None


def _git(*arguments: str) -> str | None:
    found = git_or_none(home(), *arguments)
    return None if found is None else found.decode("utf-8", "replace").strip()
