"""Verdicts on real runs of a real store, from what evaluate recorded."""

import numpy as np
import pytest
from registered import open_gate, trained

from realfake.core.errors import UserError
from realfake.data.dataset import read_manifest
from realfake.data.fingerprints import fingerprints_of, write_fingerprints
from realfake.registry.gate import Contender, Gate, as_prepared_for
from realfake.registry.trained_run import Shipped, read_trained_run
from realfake.tracking.store import open_store

OLD = "o" * 64
"""Digest of other data."""


@pytest.fixture
def gate(project, prepared):
    limits = {"test/accuracy": {"min": 0.8}, "test/robust/accuracy": {"min": 0.7}}
    params = open_gate(project, limits=limits, max_accuracy_loss=0.15)
    with open_store("realfake") as client:
        yield Gate.of(client, params, prepared)


def contender(gate, prepared, name, ancestors=(), learnt=None, **values):
    run_id = trained(gate.client, prepared, name, **values)
    if learnt is not None:
        folder = prepared.parent / f"learnt-{name}"
        folder.mkdir()
        write_fingerprints(folder, fingerprints_of(learnt))
        gate.client.log_artifacts(run_id, str(folder), "training")
    return Contender(read_trained_run(gate.client, gate.client.get_run(run_id)), name, ancestors)


def states(verdict):
    checks, _ = verdict
    return {check.name: check.state for check in checks}


def test_the_first_candidate_meets_the_absolute_limits_only(gate, prepared):
    assert states(gate.verdict(contender(gate, prepared, "first", wrong=2), None)) == {
        "test pictures unseen": "passed",
        "test/accuracy": "passed",
        "test/robust/accuracy": "not gated",
        "export": "passed",
        "accuracy against champion": "not gated",
        "latency against champion": "not gated",
    }
    assert states(gate.verdict(contender(gate, prepared, "bad", wrong=8), None))["test/accuracy"] == "refused"


def test_a_figure_of_a_later_suite_counts_as_soon_as_a_run_has_it(gate, prepared):
    weak = contender(gate, prepared, "weak", figures={"test/robust/accuracy": 0.69})
    assert states(gate.verdict(weak, None))["test/robust/accuracy"] == "refused"


def test_a_candidate_that_is_worse_than_the_champion_is_refused(gate, prepared):
    champion = contender(gate, prepared, "champion")
    assert (
        states(gate.verdict(contender(gate, prepared, "as good", wrong=1), champion))["accuracy against champion"]
        == "passed"
    )
    verdict = gate.verdict(contender(gate, prepared, "worse", wrong=5), champion)
    assert states(verdict)["accuracy against champion"] == "refused"
    assert states(verdict)["latency against champion"] == "not gated", "neither has a file to be timed"


def test_a_test_picture_that_the_candidate_or_what_it_started_from_learnt_refuses(gate, prepared, monkeypatch):
    stray = [row.sha256 for row in read_manifest(prepared) if row.split == "test"][:3]
    monkeypatch.setattr(Gate, "robustness", lambda self, trained, clean: {})
    monkeypatch.setattr(Gate, "probabilities", lambda self, trained: np.where(self.test.labels == 1, 0.9, 0.1))
    guilty = contender(gate, prepared, "guilty", data=OLD, learnt=[*stray, "x"])
    assert states(gate.verdict(guilty, None))["test pictures unseen"] == "refused"
    heir = contender(gate, prepared, "heir", ancestors=[guilty.trained])
    assert states(gate.verdict(heir, None))["test pictures unseen"] == "refused"
    innocent = contender(gate, prepared, "innocent", data=OLD, learnt=["x"])
    assert states(gate.verdict(innocent, None))["test pictures unseen"] == "passed"
    learnt = fingerprints_of([*stray, "x"])
    started = contender(gate, prepared, "started", ancestors=[Shipped(np.unique(learnt))])
    assert states(gate.verdict(started, None))["test pictures unseen"] == "refused", "the shipped network saw them"
    fresh = contender(gate, prepared, "fresh", ancestors=[Shipped(fingerprints_of(["x"]))])
    assert states(gate.verdict(fresh, None))["test pictures unseen"] == "passed"
    orphan = contender(gate, prepared, "orphan", ancestors=[None])
    assert states(gate.verdict(orphan, None))["test pictures unseen"] == "refused", "its weights come from nowhere"
    silent = contender(gate, prepared, "silent", data=OLD)
    assert states(gate.verdict(silent, None))["test pictures unseen"] == "refused"


def test_pictures_that_the_champion_learnt_are_left_out_of_the_comparison(gate, prepared, monkeypatch):
    learnt = [row.sha256 for row in read_manifest(prepared) if row.split == "test"]
    perfect = np.where(gate.test.labels == 1, 0.9, 0.1)
    monkeypatch.setattr(Gate, "probabilities", lambda self, trained: perfect)
    champion = contender(gate, prepared, "champion", data=OLD, learnt=learnt[:6])
    (check,) = [c for c in gate.verdict(contender(gate, prepared, "new"), champion)[0] if c.name.startswith("accuracy")]
    assert check.passed
    assert "on the same 26 pictures" in check.reason
    assert "6 that champion learnt from are left out" in check.reason
    knows_all = contender(gate, prepared, "all", data=OLD, learnt=learnt)
    assert states(gate.verdict(contender(gate, prepared, "other"), knows_all))["accuracy against champion"] == "refused"


def test_figures_on_other_test_pictures_do_not_count(gate, prepared, monkeypatch, train_params):
    from realfake.models.builder import build_network

    network = build_network(train_params)  # knows nothing: right for half of the pictures
    monkeypatch.setattr("realfake.registry.gate.network_of", lambda trained: network)
    figures = {"test/robust/accuracy": 0.9, "best/val_accuracy": 0.9, "test/accuracy": 0.1}
    old = contender(gate, prepared, "old", data=OLD, figures=figures, learnt=["x"])
    checks, judged = gate.verdict(old, None)
    assert states((checks, judged))["test/robust/accuracy"] == "refused", "damaged anew"
    assert 0.3 < judged["test/robust/accuracy"] < 0.7
    assert 0.3 < judged["test/accuracy"] < 0.7
    assert judged["best/val_accuracy"] == 0.9


def test_a_network_sees_pictures_at_the_size_it_was_trained_for(gate, prepared):
    small = contender(gate, prepared, "small", params={"preprocess.size": "16"}).trained
    assert as_prepared_for(small, gate.test.pictures).shape == (32, 16, 16, 3)
    large = contender(gate, prepared, "large", params={"preprocess.size": "64"}).trained
    with pytest.raises(UserError, match="large was trained on pictures of 64 px, and outputs/prepared has 32 px"):
        as_prepared_for(large, gate.test.pictures)
