"""Report errors that a user can fix in one line: what was wrong, what was expected and how to fix it."""

import errno
import sys
from collections.abc import Callable
from typing import NoReturn

_STORAGE = {
    errno.ENOSPC: "no space is left on the disk; free some (`make prune` removes old runs and caches) and run it again",
    errno.EDQUOT: "the disk quota is used up; free some space (`make prune`) and run it again",
    errno.EFBIG: "the file would be larger than this account may write (see `ulimit -f`)",
    errno.EROFS: "the file system is read-only; work in a folder that can be written",
    errno.EACCES: "permission denied; check the owner and mode of that path",
}
"""Messages for operating system errors that a user can fix, by errno."""


class UserError(Exception):
    """Signal a mistake or a circumstance that the user can fix; it is shown as one line without a traceback."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """Return the first line of an error's text, cut to `limit` characters; the error's type when it has no text."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a script's `main` and exit with its code; a user error prints one line and exits 1, Ctrl-C exits 130."""
    try:
        sys.exit(main() or 0)
    except UserError as error:
        message = str(error)
    except OSError as error:
        if error.errno not in _STORAGE:
            raise
        message = f"{error.filename or 'writing a file'}: {_STORAGE[error.errno]}"
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
