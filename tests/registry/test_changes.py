"""The sequence of changes determines the earlier champions, the runs rolled back, and the table."""

from dataclasses import replace

from realfake.registry.changes import (
    PROMOTED,
    REFUSED,
    ROLLED_BACK,
    Change,
    champion_stack,
    change_table,
    rolled_back_runs,
)
from realfake.registry.versions import Aliases


def change(kind, version, champion=None, finished=True):
    """Return a change of a version, with the champion before it."""
    tags = {"run_id": f"run {version}"}
    return Change("r", kind, "me", "here", 0.0, Aliases(champion=champion), version, finished, 1.0, tags)


def test_a_rollback_pops_champions_and_its_run_counts_as_rolled_back():
    log = [change(PROMOTED, 1), change(PROMOTED, 2, 1), change(REFUSED, 3, 2), change(PROMOTED, 4, 2)]
    assert champion_stack(log) == [1, 2, 4]
    assert rolled_back_runs(log) == set()
    log.append(change(ROLLED_BACK, 2, 4))
    assert champion_stack(log) == [1, 2]
    assert rolled_back_runs(log) == {"run 4"}
    log.append(change(PROMOTED, 4, 2))
    assert champion_stack(log) == [1, 2, 4]
    assert rolled_back_runs(log) == set()
    assert champion_stack([*log, replace(log[-1], version=5, finished=False)]) == [1, 2, 4]


def test_the_aliases_after_a_change_follow_from_those_before():
    before = Aliases(champion=2, challenger=3, previous=1, revision=5)

    def after(kind, version, **tags):
        return Change("r", kind, "me", "here", 0.0, before, version, True, 1.0, tags).after

    assert after(PROMOTED, 4) == Aliases(champion=4, challenger=None, previous=2, revision=6)
    assert after(REFUSED, 4) == Aliases(champion=2, challenger=4, previous=1, revision=6)
    assert after(ROLLED_BACK, 1) == Aliases(champion=1, challenger=3, previous=None, revision=6)
    assert after(ROLLED_BACK, 1, beneath="7").previous == 7


def test_the_table_has_a_line_for_each_change_and_marks_unfinished_ones():
    header, first, second = change_table([change(PROMOTED, 1), change(PROMOTED, 2, 1, finished=False)]).splitlines()
    assert header.startswith("when (UTC)")
    assert "1970-01-01 00:00:00  me@here  version 1 promoted" in first
    assert "- -> 1" in first
    assert "promoted, unfinished" in second
    assert "1 -> 2" in second
