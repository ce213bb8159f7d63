"""What follows from all changes of the aliases: which champions lie beneath, and which were taken back."""

from dataclasses import replace

from realfake.registry.changes import PROMOTED, REFUSED, ROLLED_BACK, Change, champions, rolled_back, table
from realfake.registry.versions import Aliases


def change(kind, version, champion=None, finished=True):
    tags = {"run_id": f"run {version}"}
    return Change("r", kind, "me", "here", 0.0, Aliases(champion=champion), version, finished, 1.0, tags)


def test_a_rollback_goes_down_the_champions_and_what_it_left_is_remembered():
    log = [change(PROMOTED, 1), change(PROMOTED, 2, 1), change(REFUSED, 3, 2), change(PROMOTED, 4, 2)]
    assert champions(log) == [1, 2, 4]
    assert rolled_back(log) == set()
    log.append(change(ROLLED_BACK, 2, 4))
    assert champions(log) == [1, 2]
    assert rolled_back(log) == {"run 4"}
    log.append(change(PROMOTED, 4, 2))
    assert champions(log) == [1, 2, 4]
    assert rolled_back(log) == set()
    assert champions([*log, replace(log[-1], version=5, finished=False)]) == [1, 2, 4]


def test_what_a_change_leaves_follows_from_what_was_before():
    before = Aliases(champion=2, challenger=3, previous=1, revision=5)

    def after(kind, version, **tags):
        return Change("r", kind, "me", "here", 0.0, before, version, True, 1.0, tags).after

    assert after(PROMOTED, 4) == Aliases(champion=4, challenger=None, previous=2, revision=6)
    assert after(REFUSED, 4) == Aliases(champion=2, challenger=4, previous=1, revision=6)
    assert after(ROLLED_BACK, 1) == Aliases(champion=1, challenger=3, previous=None, revision=6)
    assert after(ROLLED_BACK, 1, beneath="7").previous == 7


def test_the_table_shows_a_line_a_change_and_what_is_unfinished():
    header, first, second = table([change(PROMOTED, 1), change(PROMOTED, 2, 1, finished=False)]).splitlines()
    assert header.startswith("when (UTC)")
    assert "1970-01-01 00:00:00  me@here  version 1 promoted" in first
    assert "- -> 1" in first
    assert "promoted, unfinished" in second
    assert "1 -> 2" in second
