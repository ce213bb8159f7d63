"""Native output is suppressed, but shown when the code fails; unused modules are not imported with Keras."""

import os
import subprocess
import sys

import pytest
from conftest import PROJECT

from realfake.core.native_output import hidden_modules, quiet


def test_native_output_is_suppressed(capfd):
    with quiet():
        os.write(1, b"native output")
        os.write(2, b"native output")
    os.write(1, b"after")
    assert capfd.readouterr() == ("after", "")


def test_a_failure_shows_what_was_printed(capfd):
    with pytest.raises(RuntimeError), quiet():
        os.write(2, b"the reason")
        raise RuntimeError
    assert capfd.readouterr().err == "the reason"


def test_hidden_modules_cannot_be_imported_until_afterwards():
    sys.modules.pop("this", None)
    with hidden_modules(["this", "os"]):
        assert os is __import__("os"), "a module that is imported already stays available"
        with pytest.raises(ImportError):
            import this  # noqa: F401
    assert "this" not in sys.modules


@pytest.mark.slow
def test_keras_is_imported_without_unused_modules():
    code = """
from realfake.core.native_output import UNUSED, import_keras
import_keras()
import sys
assert "keras" in sys.modules
print(*(name for name in UNUSED if name in sys.modules))
import matplotlib, pandas, sklearn
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT / "src", capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr
