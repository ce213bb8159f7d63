"""The tags that say which code and which machine a run came from."""

import subprocess
from pathlib import Path

import pytest

from realfake.core import environment
from realfake.core.environment import git_tags, machine_tags, rounding_label, rounding_tags

GENOA = """
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC 9B14
flags\t\t: fpu avx avx2 avx512f avx512_bf16 avx512_vnni
"""
SAPPHIRE_RAPIDS = """
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8481C
flags\t\t: fpu avx avx2 avx512f avx_vnni avx512_bf16 avx512_fp16 avx512_vnni amx_bf16 amx_tile amx_int8
"""
HASWELL = "model name : Intel(R) Xeon(R) CPU\ncpu family : 6\nmodel : 63\nflags : fpu avx avx2\n"
GRAVITON = "processor : 0\nFeatures : fp asimd asimddp sve i8mm bf16\nCPU implementer : 0x41\nCPU part : 0xd40\n"


def git(folder, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_git_tags_name_the_commit_and_whether_code_or_params_changed(project):
    assert git_tags()["git_commit"] == "none"
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    assert git_tags()["git_commit"] == git(project, "rev-parse", "HEAD")
    assert git_tags()["git_dirty"] == "false"
    (project / "dvc.lock").write_text("written by the pipeline itself")
    assert git_tags()["git_dirty"] == "false"
    (project / "params.yaml").write_text("changed")
    assert git_tags()["git_dirty"] == "true"


def test_the_machine_is_described():
    tags = machine_tags()
    assert int(tags["threads"]) >= 1
    assert tags["keras"].startswith("3.")
    assert rounding_tags().items() <= tags.items()
    assert all(tags[name] in rounding_label() for name in ("cpu", "instruction_set", "threads"))


@pytest.fixture
def label_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that gives the label of a machine by the text of its /proc/cpuinfo, None for no such file."""

    def label(cpuinfo: str | None) -> str:
        monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "cpuinfo")
        environment.CPU_INFO.unlink(missing_ok=True)
        if cpuinfo is not None:
            environment.CPU_INFO.write_text(cpuinfo)
        return rounding_label()

    return label


def test_machines_that_round_differently_have_different_labels(label_of):
    """Once all machines with AVX-512 had the same label, with AMX and without."""
    labels = {label_of(cpuinfo) for cpuinfo in (GENOA, SAPPHIRE_RAPIDS, HASWELL, GRAVITON, None)}
    assert len(labels) == 5
    assert label_of(GENOA.replace("model\t\t: 17", "model\t\t: 160")) not in labels, "another model, with other caches"


@pytest.mark.parametrize(
    ("cpuinfo", "words"),
    [
        (GENOA, ("avx512f avx512_vnni avx512_bf16,", "AMD EPYC 9B14 (family 25, model 17)")),
        (SAPPHIRE_RAPIDS, ("avx512f", "avx512_fp16", "amx_bf16", "model 143")),
        (HASWELL, ("avx2,", "model 63")),
        (GRAVITON, ("asimd", "bf16", "part 0xd40")),
    ],
)
def test_the_label_names_instructions_and_model(label_of, cpuinfo: str, words: tuple[str, ...]):
    label = label_of(cpuinfo)
    assert all(word in label for word in words)
    assert len(label) < 150
