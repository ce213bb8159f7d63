"""A user's mistake is one line and exit 1; anything else keeps its traceback."""

import errno
import subprocess
import sys

import pytest
from conftest import PROJECT

from realfake.errors import UserError, one_line, run


def failing(error: BaseException):
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (UserError("no such recipe"), 1, "error: no such recipe\n"),
        (OSError(errno.ENOSPC, "No space left", "a.npy"), 1, "error: a.npy: no space is left on the disk"),
        (PermissionError(errno.EACCES, "denied", "b"), 1, "error: b: permission denied"),
        (KeyboardInterrupt(), 130, "the same command goes on from here"),
    ],
)
def test_the_exit_code_and_the_line(capsys, error, code, expected):
    with pytest.raises(SystemExit) as exit_:
        run(failing(error))
    assert exit_.value.code == code
    assert expected in capsys.readouterr().err


def test_a_defect_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()))


def test_one_line_shortens():
    assert one_line(ValueError("first\nsecond")) == "first"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 999))) == 300


def test_ctrl_c_that_a_package_swallowed_ends_the_script_after_all():
    code = """
import os, signal
from realfake.errors import run, stop_if_interrupted

def main():
    stop_if_interrupted()
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except:
        print("swallowed")
    stop_if_interrupted()
    print("not reached")

run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PROJECT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "swallowed\n")
    assert done.stderr.strip() == "interrupted; the same command goes on from here"
