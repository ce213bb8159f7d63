"""A damaged journal is repaired, and an unusable database is a one-line error without its password."""

import re

import pytest
from sweeping import tune_params

from realfake.core.errors import UserError
from realfake.sweep.storage import explain_storage_errors, without_password
from realfake.sweep.study import Sweep


def test_an_unreachable_database_is_a_one_line_error_without_the_password(project):
    with pytest.raises(UserError, match="cannot be used") as error:
        Sweep("postgresql+psycopg://me:secret@127.0.0.1:9/x", "s")
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("url", ["a://me:p@55:w@h/x", "a://me:w@h/x?password=w&n=1", "a://me@h/x?n=1&password=w"])
def test_no_part_of_a_password_is_printed(url):
    shown = without_password(url)
    assert not re.search(r"\bw\b|55", shown)
    assert shown.startswith("a://me")
    assert "h/x" in shown


def test_an_unfinished_last_line_of_the_journal_is_removed(project):
    """A full disk or a power cut leaves one; the next line would be appended to it, and the study be unreadable."""
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    sweep.study.tell(sweep.study.ask(), 0.5)
    journal = sweep.folder / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":5,"worker_id":"x')
    again = Sweep(None, "sweep-1")
    assert journal.read_bytes() == whole
    again.begin(tune_params(), {"data": "d"})
    again.study.tell(again.study.ask(), 0.6)
    reopened = Sweep(None, "sweep-1")
    reopened.begin(tune_params(), {"data": "d"})
    assert reopened.counts().completed == 2


def test_a_storage_that_stops_answering_is_a_one_line_error():
    from optuna.exceptions import StorageInternalError

    expected = r"study s .*\(server closed"
    with pytest.raises(UserError, match=expected) as error, explain_storage_errors("s"):
        raise StorageInternalError("An exception is raised") from OSError("server closed the connection")
    assert "\n" not in str(error.value)
