"""Store the trials of a study: in Optuna's journal file in the checkout, or in a database that machines share."""

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
    """Open the storage of a study's trials; create it if it does not exist.

    Args:
        storage: SQLAlchemy URL of a database; None: the journal file in `folder`.
        folder: the study's folder in this checkout.

    Raises:
        UserError: the database cannot be reached, or its driver is missing. The message hides passwords.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    if storage is None:
        lock = JournalLock(folder / "journal.lock")
        _cut_unfinished_line(folder / "journal.log", lock)
        return JournalStorage(JournalFileBackend(str(folder / "journal.log"), lock))  # type: ignore[arg-type]
    try:
        return open_database(storage)
    except Exception as error:  # drivers raise errors of many types; a missing driver is an ImportError
        raise UserError(
            f"the storage {without_password(storage)} cannot be used ({_cause(error, storage)}); check the URL "
            "(postgresql+psycopg://user@host/name, mysql+pymysql://...), that its driver is installed "
            '(`.venv/bin/pip install "psycopg[binary]"`) and that the database can be reached'
        ) from None


class JournalLock:
    """Lock of the operating system with Optuna's interface; Optuna's own locks stay behind if a process is killed."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()


def _cut_unfinished_line(journal: Path, lock: JournalLock) -> None:
    """Remove a last line that a full disk or a power cut left unfinished; the next line would be appended to it."""
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
def explain_storage_errors(name: str) -> Iterator[None]:
    """Turn errors of the storage while the block runs into one line that names the study.

    Raises:
        UserError: the storage stopped answering.
    """
    from optuna.exceptions import StorageInternalError

    try:
        yield
    except StorageInternalError as error:
        cause = one_line(error.__cause__ or error, 160)
        raise UserError(f"the storage of study {name} does not answer ({cause}); `--study {name}` continues") from None


def open_database(url: str) -> "BaseStorage":
    """Open a database and create its tables if they are missing; retry, as another machine may create them just now."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for pause in (0.5, 2.0, 5.0):
        try:
            return RDBStorage(url, {"pool_pre_ping": True})  # a connection may have been dropped during an epoch
        except (IntegrityError, ProgrammingError):
            time.sleep(pause)
    return RDBStorage(url, {"pool_pre_ping": True})


def without_password(url: str) -> str:
    """Return a database's URL with `...` in place of passwords, before the host or in the query."""
    return re.sub(r"(password=)[^&]*", r"\1...", re.sub(r"//([^:/@]*):.*@", r"//\1:...@", url))


def _cause(error: Exception, url: str) -> str:
    """Return a driver's message with `...` in place of every part of the URL's passwords."""
    secrets = re.findall(r"//[^:/@]*:(.*)@", url) + re.findall(r"password=([^&]*)", url)
    pieces = {piece for secret in secrets for piece in (secret, *secret.split("@")) if piece}
    message = one_line(error, 160)
    for piece in sorted(pieces, key=len, reverse=True):
        message = message.replace(piece, "...")
    return message
