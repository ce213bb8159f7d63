"""Native noise is held back, but not when something fails."""

import os

import pytest

from realfake.quiet import quiet


def test_native_output_is_held_back(capfd):
    with quiet():
        os.write(1, b"native noise")
        os.write(2, b"native noise")
    os.write(1, b"after")
    assert capfd.readouterr() == ("after", "")


def test_a_failure_shows_what_was_printed(capfd):
    with pytest.raises(RuntimeError), quiet():
        os.write(2, b"the reason")
        raise RuntimeError
    assert capfd.readouterr().err == "the reason"
