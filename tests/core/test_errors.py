"""A user's mistake prints one line and exits 1; any other exception keeps its traceback."""

import errno

import pytest

from realfake.core.errors import UserError, one_line, run


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
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_the_exit_code_and_the_line(capsys, error, code, expected):
    with pytest.raises(SystemExit) as exit_:
        run(failing(error))
    assert exit_.value.code == code
    assert expected in capsys.readouterr().err


def test_a_programming_error_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()))


def test_one_line_shortens():
    assert one_line(ValueError("first\nsecond")) == "first"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 999))) == 300
