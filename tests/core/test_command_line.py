"""A script's help is its docstring (tests/test_architecture.py asks every script), and unknown options are refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

from realfake.core.command_line import argument_parser, take_no_arguments

SCRIPTS = sorted([*(PROJECT / "src").glob("*.py"), *(PROJECT / "src/localpredict").glob("*.py")])


def test_help_keeps_the_lines_of_the_docstring() -> None:
    assert (
        "First line.\n\nSecond paragraph,\nwith a line break.\n"
        in argument_parser("First line.\n\nSecond paragraph,\nwith a line break.").format_help()
    )


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["--epochs"], 2), (["train"], 2)])
def test_a_script_without_arguments_takes_help_alone(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    with pytest.raises(SystemExit) as exited:
        take_no_arguments("Train.")
    assert exited.value.code == code
    monkeypatch.setattr(sys, "argv", ["train.py"])
    take_no_arguments("Train.")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_refuses_unknown_options_before_it_works(script: Path, tmp_path: Path) -> None:
    """In an empty folder, where a script that ignores its arguments fails with code 1 or writes something."""
    command = [sys.executable, script, "--no-such-option"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "usage:" in done.stderr
    assert list(tmp_path.iterdir()) == []
