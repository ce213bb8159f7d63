"""Changes are recorded; an interrupted one is finished or undone, and conflicting ones are detected."""

import time

import pytest
from registered import trained

from realfake.core.errors import UserError
from realfake.registry import promotion_history
from realfake.registry.changes import PROMOTED, REFUSED, change_table
from realfake.registry.promotion_history import PromotionLog
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
        yield PromotionLog(registry)


def aliases(log):
    return log.registry.aliases()


def promote(log, version):
    with log.change(PROMOTED, aliases(log), {"run_name": "some"}) as pending:
        pending.set_version(version)


def test_a_promotion_moves_the_aliases_and_is_recorded(log):
    promote(log, 1)
    assert aliases(log) == Aliases(champion=1, revision=1)
    promote(log, 2)
    assert aliases(log) == Aliases(champion=2, previous=1, revision=2)
    with log.change(REFUSED, aliases(log), {}) as pending:
        pending.set_version(1)
    assert aliases(log) == Aliases(champion=2, previous=1, challenger=1, revision=3)
    first, second, third = log.changes()
    assert [change.kind for change in (first, second, third)] == [PROMOTED, PROMOTED, REFUSED]
    assert second.before.champion == 1
    text = change_table([first, second, third]).splitlines()
    assert "version 2 promoted" in text[2]
    assert "1 -> 2" in text[2]
    assert "2 stays" in text[3]


def test_a_failing_block_leaves_the_registry_unchanged(log):
    promote(log, 1)
    before = aliases(log)
    with pytest.raises(ZeroDivisionError), log.change(PROMOTED, before, {}) as pending:
        pending.set_version(2)
        raise ZeroDivisionError
    assert aliases(log) == before
    assert len(log.changes()) == 1
    assert log.recover() == []


class Killed(BaseException):
    """Simulates kill -9, after which no handler runs; tests/test_promote.py kills a real process."""


def killing(call, done, moves):
    """Return a function that passes on calls until `done` has as many as `moves`, then raises Killed."""

    def counted(*arguments):
        if len(done) == moves:
            raise Killed
        done.append(1)
        call(*arguments)

    return counted


@pytest.mark.parametrize("moves", range(6))
def test_after_a_kill_between_any_two_moves_the_next_command_finishes_or_undoes_the_change(log, moves, monkeypatch):
    promote(log, 1)
    with log.change(REFUSED, aliases(log), {}) as pending:
        pending.set_version(2)
    before, done = aliases(log), []
    with monkeypatch.context() as patch:
        patch.setattr(PromotionLog, "settle", lambda self, change: "")
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
        assert "undone" in line
        assert aliases(log) == before
    else:
        assert "finished: version 2" in line
        assert aliases(log) == Aliases(champion=2, previous=1, revision=3)
        assert log.registry.find("2").tags["verdict"] == PROMOTED
    assert log.recover() == []


def test_an_undone_change_deletes_its_version(log, prepared):
    with pytest.raises(KeyError), log.change(PROMOTED, aliases(log), {}) as pending:
        run = log.client.get_run(trained(log.client, prepared, "three"))
        log.registry.register(read_trained_run(log.client, run), {"change": pending.run_id}, "")
        raise KeyError
    assert len(log.registry.versions()) == 2


def test_an_unfinished_change_of_another_machine_counts_as_interrupted_after_a_while(log, monkeypatch):
    promote(log, 1)
    log.lock = "lock of another machine"
    context = log.change(PROMOTED, aliases(log), {})
    context.__enter__().set_version(2)  # and the block never ends
    log.lock = "none"
    with pytest.raises(UserError, match=r"toy \d+ s ago"):
        log.recover()
    monkeypatch.setattr(promotion_history, "CHANGE_TIMEOUT_SECONDS", 0.0)
    time.sleep(0.01)
    (line,) = log.recover()
    assert "undone" in line
    assert aliases(log) == Aliases(champion=1, revision=1)


def test_aliases_that_changed_since_the_decision_are_not_overwritten(log):
    before = aliases(log)
    promote(log, 1)
    with pytest.raises(UserError, match="toy has changed"), log.change(PROMOTED, before, {}) as pending:
        pending.set_version(2)
    assert aliases(log).champion == 1


def test_a_machine_suspended_before_the_move_does_not_overwrite_a_later_change(log):
    promote(log, 1)
    with pytest.raises(UserError, match="toy has changed"), log.change(PROMOTED, aliases(log), {}) as late:
        late.set_version(1)
        log.registry.set_aliases(Aliases(champion=2, previous=1, revision=2))
    assert aliases(log) == Aliases(champion=2, previous=1, revision=2)


def test_changes_of_a_deleted_model_stay_in_the_history_only(log, prepared):
    promote(log, 1)
    log.client.delete_registered_model("toy")
    assert log.changes() == []
    run = log.client.get_run(trained(log.client, prepared, "three"))
    log.registry.register(read_trained_run(log.client, run), {}, "")
    promote(log, 1)
    assert len(log.changes()) == 1
    assert len(log.history()) == 2


def test_promotions_by_two_machines_at_the_same_time_are_detected(log):
    """The second one starts after the first is recorded and before its aliases move."""
    promote(log, 1)
    before = aliases(log)
    with log.change(PROMOTED, before, {}) as first:
        with pytest.raises(UserError, match="is changing toy"):
            log.change(PROMOTED, before, {}).__enter__()
        first.set_version(2)
    assert aliases(log).champion == 2
    with (
        pytest.raises(UserError, match="conflict"),
        log.change(REFUSED, aliases(log), {}) as late,
    ):
        late.set_version(1)
        log.client.set_tag(log.changes()[-2].run_id, "before", log.changes()[-1].tags["before"])
