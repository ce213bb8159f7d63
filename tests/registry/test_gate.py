"""Runs of a real store are checked by what evaluate recorded, or evaluated on the present pictures."""

import numpy as np
import pytest
from registered import open_gate, trained

from realfake.core.errors import UserError
from realfake.data.dataset import read_manifest
from realfake.data.fingerprints import fingerprints_of, write_fingerprints
from realfake.registry.gate import EvaluatedRun, Gate, resize_for
from realfake.registry.trained_run import ShippedNetwork, read_trained_run
from realfake.tracking.store import open_store

OTHER_DATA = "o" * 64
"""Digest of other data than the present."""


@pytest.fixture
def gate(project, prepared):
    limits = {"test/accuracy": {"min": 0.8}, "test/robust/accuracy": {"min": 0.7}}
    params = open_gate(project, limits=limits, max_accuracy_loss=0.15)
    with open_store("realfake") as client:
        yield Gate.of(client, params, prepared)


def evaluated(gate, prepared, name, ancestors=(), trained_on=None, **values):
    """Create a run that was trained on pictures of these SHA-256 digests; return it for the gate."""
    run_id = trained(gate.client, prepared, name, **values)
    if trained_on is not None:
        folder = prepared.parent / f"training-{name}"
        folder.mkdir()
        write_fingerprints(folder, fingerprints_of(trained_on))
        gate.client.log_artifacts(run_id, str(folder), "training")
    return EvaluatedRun(read_trained_run(gate.client, gate.client.get_run(run_id)), name, ancestors)


def states(result):
    """Return the state of each check by its name."""
    checks, _ = result
    return {check.name: check.state for check in checks}


def test_without_a_champion_only_absolute_limits_apply(gate, prepared):
    assert states(gate.check(evaluated(gate, prepared, "first", wrong=2), None)) == {
        "test pictures unseen": "passed",
        "test/accuracy": "passed",
        "test/robust/accuracy": "not gated",
        "export": "passed",
        "accuracy against champion": "not gated",
        "latency against champion": "not gated",
    }
    assert states(gate.check(evaluated(gate, prepared, "bad", wrong=8), None))["test/accuracy"] == "refused"


def test_a_limit_applies_as_soon_as_a_run_has_the_metric(gate, prepared):
    weak = evaluated(gate, prepared, "weak", metrics={"test/robust/accuracy": 0.69})
    assert states(gate.check(weak, None))["test/robust/accuracy"] == "refused"


def test_a_candidate_that_is_worse_than_the_champion_is_refused(gate, prepared):
    champion = evaluated(gate, prepared, "champion")
    assert (
        states(gate.check(evaluated(gate, prepared, "as good", wrong=1), champion))["accuracy against champion"]
        == "passed"
    )
    result = gate.check(evaluated(gate, prepared, "worse", wrong=5), champion)
    assert states(result)["accuracy against champion"] == "refused"
    assert states(result)["latency against champion"] == "not gated", "neither has an exported file"


def test_a_candidate_is_refused_if_it_or_an_ancestor_was_trained_on_a_test_picture(gate, prepared, monkeypatch):
    leaked = [row.sha256 for row in read_manifest(prepared) if row.split == "test"][:3]
    monkeypatch.setattr(Gate, "measure_robustness", lambda self, trained, clean: {})
    monkeypatch.setattr(Gate, "predict", lambda self, trained: np.where(self.test.labels == 1, 0.9, 0.1))
    leaking = evaluated(gate, prepared, "leaking", data=OTHER_DATA, trained_on=[*leaked, "x"])
    assert states(gate.check(leaking, None))["test pictures unseen"] == "refused"
    heir = evaluated(gate, prepared, "heir", ancestors=[leaking.trained])
    assert states(gate.check(heir, None))["test pictures unseen"] == "refused"
    clean = evaluated(gate, prepared, "clean", data=OTHER_DATA, trained_on=["x"])
    assert states(gate.check(clean, None))["test pictures unseen"] == "passed"
    seen = np.unique(fingerprints_of([*leaked, "x"]))
    started = evaluated(gate, prepared, "started", ancestors=[ShippedNetwork(seen)])
    assert states(gate.check(started, None))["test pictures unseen"] == "refused", (
        "the shipped network was trained on them"
    )
    fresh = evaluated(gate, prepared, "fresh", ancestors=[ShippedNetwork(fingerprints_of(["x"]))])
    assert states(gate.check(fresh, None))["test pictures unseen"] == "passed"
    orphan = evaluated(gate, prepared, "orphan", ancestors=[None])
    assert states(gate.check(orphan, None))["test pictures unseen"] == "refused", "its ancestor is unknown"
    unknown = evaluated(gate, prepared, "unknown", data=OTHER_DATA)
    assert states(gate.check(unknown, None))["test pictures unseen"] == "refused"


def test_test_pictures_that_the_champion_was_trained_on_are_left_out_of_the_comparison(gate, prepared, monkeypatch):
    test_pictures = [row.sha256 for row in read_manifest(prepared) if row.split == "test"]
    perfect = np.where(gate.test.labels == 1, 0.9, 0.1)
    monkeypatch.setattr(Gate, "predict", lambda self, trained: perfect)
    champion = evaluated(gate, prepared, "champion", data=OTHER_DATA, trained_on=test_pictures[:6])
    (check,) = [c for c in gate.check(evaluated(gate, prepared, "new"), champion)[0] if c.name.startswith("accuracy")]
    assert check.passed
    assert "26 pictures" in check.reason
    assert "; 6 " in check.reason
    saw_all = evaluated(gate, prepared, "all", data=OTHER_DATA, trained_on=test_pictures)
    assert states(gate.check(evaluated(gate, prepared, "other"), saw_all))["accuracy against champion"] == "refused"


def test_metrics_on_other_test_pictures_are_computed_again(gate, prepared, monkeypatch, train_params):
    from realfake.models.builder import build_network

    network = build_network(train_params)  # untrained: right for about half of the pictures
    monkeypatch.setattr("realfake.registry.gate.load_logged_network", lambda trained: network)
    metrics = {"test/robust/accuracy": 0.9, "best/val_accuracy": 0.9, "test/accuracy": 0.1}
    old = evaluated(gate, prepared, "old", data=OTHER_DATA, metrics=metrics, trained_on=["x"])
    checks, present = gate.check(old, None)
    assert states((checks, present))["test/robust/accuracy"] == "refused"
    assert 0.3 < present["test/robust/accuracy"] < 0.7
    assert 0.3 < present["test/accuracy"] < 0.7
    assert present["best/val_accuracy"] == 0.9


def test_a_network_is_checked_on_pictures_of_its_training_size(gate, prepared):
    small = evaluated(gate, prepared, "small", params={"preprocess.size": "16"}).trained
    assert resize_for(small, gate.test.pictures).shape == (32, 16, 16, 3)
    large = evaluated(gate, prepared, "large", params={"preprocess.size": "64"}).trained
    with pytest.raises(UserError, match=r"large .*64 px.*32 px"):
        resize_for(large, gate.test.pictures)
