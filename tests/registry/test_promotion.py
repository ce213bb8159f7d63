"""Promotion, refusal, rollback and history on real runs of a real store."""

import json

import pytest
from registered import open_gate, trained

from realfake.core.errors import UserError
from realfake.registry.promotion import Promotion
from realfake.registry.versions import Aliases
from realfake.tracking.store import open_store


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Locks of this machine go elsewhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def promotion(project, prepared):
    params = open_gate(project)
    with open_store("realfake") as client:
        yield Promotion(client, params, project)


def test_the_best_run_becomes_champion_then_a_better_one_and_back(promotion, prepared, project, capsys):
    client, registry = promotion.client, promotion.registry
    trained(client, prepared, "one", val=0.9, wrong=3)
    assert promotion.promote(None)
    assert registry.aliases() == Aliases(champion=1, revision=1)
    assert promotion.promote(None), "the best run is the champion already"
    assert registry.aliases() == Aliases(champion=1, revision=1)
    assert "nothing to do: run one is the champion already (version 1)" in capsys.readouterr().out
    trained(client, prepared, "two", val=0.95, wrong=1)
    assert promotion.promote(None)
    assert registry.aliases() == Aliases(champion=2, previous=1, revision=2)
    said = capsys.readouterr().out
    assert "candidate: run two, the best of 2 by val_accuracy (0.9500)" in said
    assert "promoted: version 2 of realfake (run two), in place of version 1" in said
    version = registry.find("champion")
    assert version.tags["verdict"] == "promoted"
    assert version.tags["test/accuracy"] == "0.9688"
    assert "| accuracy against champion |" in version.description

    promotion.rollback()
    assert registry.aliases() == Aliases(champion=1, revision=3)
    assert "the champion of realfake is version 1 again, in place of version 2" in capsys.readouterr().out
    with pytest.raises(UserError, match="realfake has no @previous to go back to"):
        promotion.rollback()
    assert promotion.promote(None)
    said = capsys.readouterr().out
    assert "1 runs that were rolled back are left out" in said
    assert "run one is the champion already" in said
    assert promotion.promote("two"), "who names it may promote it again"
    assert registry.aliases() == Aliases(champion=2, previous=1, revision=4)
    lines = promotion.history().splitlines()[1:]
    for line, expected in zip(lines, ("1 promoted", "2 promoted", "1 rolled back", "2 promoted"), strict=True):
        assert f"version {expected}" in line


def test_a_version_that_was_deleted_is_no_hindrance_to_a_rollback(promotion, prepared):
    client = promotion.client
    for place, name in enumerate(("one", "two", "three")):
        trained(client, prepared, name, val=0.9 + place / 100)
        assert promotion.promote(name)
    client.delete_model_version("realfake", "1")
    promotion.rollback()
    assert promotion.registry.aliases() == Aliases(champion=2, revision=4)


def test_a_refused_run_is_the_challenger_and_the_verdict_says_why(promotion, prepared, project, capsys):
    client = promotion.client
    trained(client, prepared, "champion", val=0.9)
    assert promotion.promote(None)
    trained(client, prepared, "worse", val=0.99, wrong=8)
    assert not promotion.promote(None)
    assert promotion.registry.aliases() == Aliases(champion=1, challenger=2, revision=2)
    assert "refused: version 2 of realfake (run worse); version 1 stays" in capsys.readouterr().out
    verdict = json.loads((project / "outputs/promotion/verdict.json").read_text())
    assert verdict["verdict"] == "refused"
    assert [check["name"] for check in verdict["checks"] if check["passed"] is False] == ["accuracy against champion"]
    page = (project / "outputs/promotion/verdict.md").read_text()
    assert page.startswith("**refused**: version 2 of realfake")
    change = promotion.log.changes()[-1]
    assert {entry.path for entry in client.list_artifacts(change.run_id)} == {"verdict.json", "verdict.md"}
    assert not promotion.promote(None), "the same candidate is judged again, as the same version"
    assert promotion.registry.aliases() == Aliases(champion=1, challenger=2, revision=3)


def test_a_failure_on_the_way_leaves_the_registry_as_it_was(promotion, prepared, monkeypatch):
    trained(promotion.client, prepared, "one")
    promotion.promote(None)
    before = promotion.registry.aliases()
    trained(promotion.client, prepared, "two", val=0.99)
    with monkeypatch.context() as patch:
        patch.setattr(promotion.client, "log_dict", lambda *_: (_ for _ in ()).throw(OSError("no space")))
        with pytest.raises(OSError, match="no space"):
            promotion.promote(None)
    assert promotion.registry.aliases() == before
    assert len(promotion.registry.versions()) == 1
    assert promotion.promote(None)


def test_without_a_run_there_is_nothing_to_promote(promotion, prepared):
    with pytest.raises(UserError, match="experiment realfake has no finished run on today's pictures"):
        promotion.promote(None)
    trained(promotion.client, prepared, "elsewhere", data="e" * 64)
    with pytest.raises(UserError, match="no finished run on today's pictures"):
        promotion.promote(None)
    assert "no promotions yet" in promotion.history()
    with pytest.raises(UserError, match="realfake has no version champion; nothing is registered yet"):
        list(promotion.lineage("champion"))
