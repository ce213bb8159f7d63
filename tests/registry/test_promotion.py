"""Runs of a real store are promoted, refused and rolled back, and the history records it."""

import json

import pytest
from registered import open_gate, trained

from realfake.core.errors import UserError
from realfake.registry.promotion import Promotion
from realfake.registry.versions import Aliases
from realfake.tracking.store import open_store


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep the locks of this machine in a temporary folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def promotion(project, prepared):
    params = open_gate(project)
    with open_store("realfake") as client:
        yield Promotion(client, params, project)


def test_a_better_run_replaces_the_champion_until_it_is_rolled_back(promotion, prepared, project, capsys):
    client, registry = promotion.client, promotion.registry
    trained(client, prepared, "one", val=0.9, wrong=3)
    assert promotion.promote(None)
    assert registry.aliases() == Aliases(champion=1, revision=1)
    assert promotion.promote(None), "the best run is the champion already"
    assert registry.aliases() == Aliases(champion=1, revision=1)
    assert "one is the champion already" in capsys.readouterr().out
    trained(client, prepared, "two", val=0.95, wrong=1)
    assert promotion.promote(None)
    assert registry.aliases() == Aliases(champion=2, previous=1, revision=2)
    printed = capsys.readouterr().out
    assert "run two, the best of 2 by val_accuracy (0.9500)" in printed
    assert "promoted: version 2 of realfake (run two)" in printed
    version = registry.find("champion")
    assert version.tags["verdict"] == "promoted"
    assert version.tags["test/accuracy"] == "0.9688"
    assert "| accuracy against champion |" in version.description

    promotion.rollback()
    assert registry.aliases() == Aliases(champion=1, revision=3)
    assert "version 1 again" in capsys.readouterr().out
    with pytest.raises(UserError, match="@previous"):
        promotion.rollback()
    assert promotion.promote(None)
    printed = capsys.readouterr().out
    assert "1 runs that were rolled back" in printed
    assert "run one is the champion already" in printed
    assert promotion.promote("two"), "named, it may be promoted again"
    assert registry.aliases() == Aliases(champion=2, previous=1, revision=4)
    lines = promotion.history().splitlines()[1:]
    for line, expected in zip(lines, ("1 promoted", "2 promoted", "1 rolled back", "2 promoted"), strict=True):
        assert f"version {expected}" in line


def test_a_rollback_skips_deleted_versions(promotion, prepared):
    client = promotion.client
    for number, name in enumerate(("one", "two", "three")):
        trained(client, prepared, name, val=0.9 + number / 100)
        assert promotion.promote(name)
    client.delete_model_version("realfake", "1")
    promotion.rollback()
    assert promotion.registry.aliases() == Aliases(champion=2, revision=4)


def test_a_refused_run_becomes_challenger_and_the_verdict_has_the_reason(promotion, prepared, project, capsys):
    client = promotion.client
    trained(client, prepared, "champion", val=0.9)
    assert promotion.promote(None)
    trained(client, prepared, "worse", val=0.99, wrong=8)
    assert not promotion.promote(None)
    assert promotion.registry.aliases() == Aliases(champion=1, challenger=2, revision=2)
    assert "refused: version 2 of realfake (run worse)" in capsys.readouterr().out
    verdict = json.loads((project / "outputs/promotion/verdict.json").read_text())
    assert verdict["verdict"] == "refused"
    assert [check["name"] for check in verdict["checks"] if check["passed"] is False] == ["accuracy against champion"]
    page = (project / "outputs/promotion/verdict.md").read_text()
    assert page.startswith("**refused**: version 2 of realfake")
    change = promotion.log.changes()[-1]
    assert {entry.path for entry in client.list_artifacts(change.run_id)} == {"verdict.json", "verdict.md"}
    assert not promotion.promote(None), "the same candidate is checked again, as the same version"
    assert promotion.registry.aliases() == Aliases(champion=1, challenger=2, revision=3)


def test_a_failed_promotion_leaves_the_registry_unchanged(promotion, prepared, monkeypatch):
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


def test_without_a_run_on_the_present_pictures_nothing_is_promoted(promotion, prepared):
    with pytest.raises(UserError, match="no finished run"):
        promotion.promote(None)
    trained(promotion.client, prepared, "elsewhere", data="e" * 64)
    with pytest.raises(UserError, match="no finished run"):
        promotion.promote(None)
    assert "no promotions yet" in promotion.history()
    with pytest.raises(UserError, match="no version champion"):
        list(promotion.lineage("champion"))
