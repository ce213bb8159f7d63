"""Where a study's trials lie: Optuna's journal file in the checkout, or a database that several machines share."""

import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from realfake.core.errors import UserError, one_line

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def open_storage(storage: str | None, folder: Path) -> "BaseStorage":
    """Open the storage that holds a study's trials, and make it where there is none.

    Args:
        storage: an SQLAlchemy URL; None is the journal file of `folder`.
        folder: the study's folder in this checkout.

    Raises:
        UserError: the database cannot be reached or its driver is missing; no password is shown.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    if storage is None:
        lock = JournalLock(folder / "journal.lock")
        _mend(folder / "journal.log", lock)
        return JournalStorage(JournalFileBackend(str(folder / "journal.log"), lock))  # type: ignore[arg-type]
    try:
        return open_database(storage)
    except Exception as error:  # drivers raise many kinds, and a missing one is an ImportError
        raise UserError(
            f"the storage {without_password(storage)} cannot be used ({_cause(error, storage)}); check the URL "
            "(postgresql+psycopg://user@host/name, mysql+pymysql://...), that its driver is installed "
            '(`.venv/bin/pip install "psycopg[binary]"`) and that the database can be reached'
        ) from None


class JournalLock:
    """Optuna's interface to a lock of the operating system; its own locks outlive a process that is killed."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Let others write."""
        self._lock.release()


def _mend(journal: Path, lock: JournalLock) -> None:
    """Cut off a line that a full disk or a power cut left unfinished: the next one would be glued to it."""
    if not journal.is_file():
        return
    lock.acquire()
    try:
        content = journal.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(journal, content.rfind(b"\n") + 1)
    finally:
        lock.release()


@contextmanager
def answering(name: str) -> Iterator[None]:
    """Say in one line when the storage stops answering while a study is worked on.

    Raises:
        UserError: it did.
    """
    from optuna.exceptions import StorageInternalError

    try:
        yield
    except StorageInternalError as error:
        cause = one_line(error.__cause__ or error, 160)
        raise UserError(f"the storage of study {name} does not answer ({cause}); `--study {name}` goes on") from None


def open_database(url: str) -> "BaseStorage":
    """Open a database, and make its tables where they are missing; another machine may do the same at that moment."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for pause in (0.5, 2.0, 5.0):
        try:
            return RDBStorage(url, {"pool_pre_ping": True})  # a connection may have been dropped during an epoch
        except (IntegrityError, ProgrammingError):
            time.sleep(pause)
    return RDBStorage(url, {"pool_pre_ping": True})


def without_password(url: str) -> str:
    """A database's URL as it may be shown; a password may hold any sign, and may stand behind the question mark."""
    return re.sub(r"(password=)[^&]*", r"\1...", re.sub(r"//([^:/@]*):.*@", r"//\1:...@", url))


def _cause(error: Exception, url: str) -> str:
    """What a driver says, without what stands between the user's name and the host."""
    secrets = re.findall(r"//[^:/@]*:(.*)@", url) + re.findall(r"password=([^&]*)", url)
    pieces = {piece for secret in secrets for piece in (secret, *secret.split("@")) if piece}
    said = one_line(error, 160)
    for piece in sorted(pieces, key=len, reverse=True):
        said = said.replace(piece, "...")
    return said
