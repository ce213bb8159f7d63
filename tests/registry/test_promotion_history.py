"""The log of changes: what a kill leaves is finished or taken back; crossings are found."""

import time

import pytest
from registered import trained

from realfake.core.errors import UserError
from realfake.registry import promotion_history as registry_log
from realfake.registry.changes import PROMOTED, REFUSED, table
from realfake.registry.promotion_history import Log
from realfake.registry.trained_run import read_trained_run
from realfake.registry.versions import Aliases, Registry
from realfake.tracking.store import open_store


@pytest.fixture
def log(project, prepared):
    with open_store("realfake") as client:
        registry = Registry(client, "toy")
        for name in ("one", "two"):
            run = client.get_run(trained(client, prepared, name))
            registry.register(read_trained_run(client, run), {}, "")
        yield Log(registry)


def aliases(log):
    return log.registry.aliases()


def promote(log, version):
    with log.change(PROMOTED, aliases(log), {"run_name": "some"}) as pending:
        pending.about(version)


def test_a_promotion_moves_the_aliases_and_is_in_the_log(log):
    promote(log, 1)
    assert aliases(log) == Aliases(champion=1, revision=1)
    promote(log, 2)
    assert aliases(log) == Aliases(champion=2, previous=1, revision=2)
    with log.change(REFUSED, aliases(log), {}) as pending:
        pending.about(1)
    assert aliases(log) == Aliases(champion=2, previous=1, challenger=1, revision=3)
    first, second, third = log.changes()
    assert [change.kind for change in (first, second, third)] == [PROMOTED, PROMOTED, REFUSED]
    assert second.before.champion == 1
    text = table([first, second, third]).splitlines()
    assert "version 2 promoted" in text[2]
    assert "1 -> 2" in text[2]
    assert "2 stays" in text[3]


def test_a_block_that_fails_leaves_the_registry_as_it_was(log):
    promote(log, 1)
    before = aliases(log)
    with pytest.raises(ZeroDivisionError), log.change(PROMOTED, before, {}) as pending:
        pending.about(2)
        raise ZeroDivisionError
    assert aliases(log) == before
    assert len(log.changes()) == 1
    assert log.recover() == []


class Killed(BaseException):
    """Stands for kill -9 where no handler may run; tests/test_promote.py kills for real."""


def killing(call, done, moves):
    """A call that no longer happens once so many have."""

    def counted(*arguments):
        if len(done) == moves:
            raise Killed
        done.append(1)
        call(*arguments)

    return counted


@pytest.mark.parametrize("moves", range(6))
def test_a_kill_between_any_two_moves_is_settled_by_who_comes_next(log, moves, monkeypatch):
    promote(log, 1)
    with log.change(REFUSED, aliases(log), {}) as pending:
        pending.about(2)
    before, done = aliases(log), []
    with monkeypatch.context() as patch:
        patch.setattr(Log, "settle", lambda self, change: "")
        for name in (
            "set_registered_model_alias",
            "delete_registered_model_alias",
            "set_registered_model_tag",
            "set_model_version_tag",
            "set_terminated",
        ):
            patch.setattr(log.client, name, killing(getattr(log.client, name), done, moves))
        with pytest.raises(Killed):
            promote(log, 2)
    (line,) = log.recover()
    if moves < 3:  # challenger, previous, champion; then the count of changes, the verdict, the end
        assert "taken back; the registry is as it was" in line
        assert aliases(log) == before
    else:
        assert "now finished: version 2 promoted" in line
        assert aliases(log) == Aliases(champion=2, previous=1, revision=3)
        assert log.registry.find("2").tags["verdict"] == PROMOTED
    assert log.recover() == []


def test_what_was_killed_before_it_registered_leaves_no_version(log, prepared):
    with pytest.raises(KeyError), log.change(PROMOTED, aliases(log), {}) as pending:
        run = log.client.get_run(trained(log.client, prepared, "three"))
        log.registry.register(read_trained_run(log.client, run), {"change": pending.run_id}, "")
        raise KeyError
    assert len(log.registry.versions()) == 2


def test_another_machines_change_is_waited_for_until_it_counts_as_dead(log, monkeypatch):
    promote(log, 1)
    log.lock = "that of another machine"
    context = log.change(PROMOTED, aliases(log), {})
    context.__enter__().about(2)  # and no more is heard of it
    log.lock = "none"
    with pytest.raises(UserError, match=r"is changing toy since \d+ s; run it again"):
        log.recover()
    monkeypatch.setattr(registry_log, "GIVE_UP", 0.0)
    time.sleep(0.01)
    (line,) = log.recover()
    assert "taken back" in line
    assert aliases(log) == Aliases(champion=1, revision=1)


def test_what_changed_since_the_decision_is_not_overwritten(log):
    before = aliases(log)
    promote(log, 1)
    with pytest.raises(UserError, match="toy changed meanwhile"), log.change(PROMOTED, before, {}) as pending:
        pending.about(2)
    assert aliases(log).champion == 1


def test_a_machine_that_slept_between_announcement_and_move_does_nothing(log):
    promote(log, 1)
    with pytest.raises(UserError, match="toy changed meanwhile"), log.change(PROMOTED, aliases(log), {}) as late:
        late.about(1)
        log.registry.move(Aliases(champion=2, previous=1, revision=2))
    assert aliases(log) == Aliases(champion=2, previous=1, revision=2)


def test_a_model_that_was_deleted_takes_its_changes_with_it_but_not_their_history(log, prepared):
    promote(log, 1)
    log.client.delete_registered_model("toy")
    assert log.changes() == []
    run = log.client.get_run(trained(log.client, prepared, "three"))
    log.registry.register(read_trained_run(log.client, run), {}, "")
    promote(log, 1)
    assert len(log.changes()) == 1
    assert len(log.history()) == 2


def test_two_machines_that_promote_at_once_are_found(log):
    """The second one comes between the first one's announcement and its moves."""
    promote(log, 1)
    before = aliases(log)
    with log.change(PROMOTED, before, {}) as first:
        with pytest.raises(UserError, match="changes toy at this moment; nothing was done"):
            log.change(PROMOTED, before, {}).__enter__()
        first.about(2)
    assert aliases(log).champion == 2
    with (
        pytest.raises(UserError, match="this change crossed with one of"),
        log.change(REFUSED, aliases(log), {}) as late,
    ):
        late.about(1)
        log.client.set_tag(log.changes()[-2].run_id, "before", log.changes()[-1].tags["before"])
