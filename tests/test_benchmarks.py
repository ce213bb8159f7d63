"""The benchmarks' command answers at once, and the published tables are those of the stored results."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

BENCHMARKS = PROJECT / "benchmarks"


def python(*arguments: str, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_help_names_every_benchmark() -> None:
    printed = python(str(BENCHMARKS / "run.py"), "--help")
    assert printed.returncode == 0
    own = {"run", "report", "report_networks", "report_speed", "sandbox", "pretext", "peer_keras", "peer_predict"}
    for path in BENCHMARKS.glob("*.py"):
        assert path.stem in own or path.stem in printed.stdout, f"{path.stem} cannot be chosen"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["speed"], "no benchmark is called speed; expected names of deck_recipe"),
        (["--repeats", "0"], "--repeats is 0; expected names"),
        (["runtimes", "--from", "nowhere.zip"], "nowhere.zip is not there; give CIFAKE as one archive"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], expected: str) -> None:
    done = python(str(BENCHMARKS / "run.py"), *arguments)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_the_published_tables_are_those_of_the_results(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import report; print(report.tables(), end='')"
    assert python("-c", code).stdout == (PROJECT / "docs/benchmarks.md").read_text(encoding="utf-8")
