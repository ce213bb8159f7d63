"""A version is evaluated again, and differences are named; tests/test_promote.py does this after a whole pipeline."""

from pathlib import Path

import pytest
from registered import open_gate, trained

from realfake.core.environment import rounding_tags
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.registry.gate import Gate
from realfake.registry.trained_run import TrainedRun, read_trained_run
from realfake.registry.verification import verify
from realfake.tracking.store import as_metrics, open_store


@pytest.fixture
def gate(project, prepared):
    with open_store("realfake") as client:
        yield Gate.of(client, open_gate(project), prepared)


def trained_run(gate: Gate, run_id: str) -> TrainedRun:
    return read_trained_run(gate.client, gate.client.get_run(run_id))


def evaluated(gate: Gate, prepared: Path, train_params) -> str:
    """Create a run with a real network and its scores on the present pictures; return its id."""
    from realfake.models.builder import build_network
    from realfake.models.saving import save_network

    run_id = trained(gate.client, prepared, "evaluated")
    file = Path(trained_run(gate, run_id).model_folder.removeprefix("file://")) / "data/model.keras"
    file.parent.mkdir(parents=True)
    save_network(build_network(train_params), file)
    found = trained_run(gate, run_id)
    scores = gate.compute_scores(found, gate.predict(found, recorded=False), 15)
    gate.client.log_batch(run_id, metrics=as_metrics(scores, step=0))
    for name, value in {**rounding_tags(), "model_sha256": sha256_file(file)}.items():
        gate.client.set_tag(run_id, name, value)
    return run_id


def test_equal_metrics_are_verified_and_a_difference_is_named(gate, prepared, train_params, capsys):
    run_id = evaluated(gate, prepared, train_params)
    assert verify(gate, trained_run(gate, run_id), "1")
    printed = capsys.readouterr().out
    assert "DIFFERS" not in printed
    assert "1e-06" in printed
    gate.client.log_metric(run_id, "test/accuracy", 0.123)
    gate.client.set_tag(run_id, "model_sha256", "0" * 64)
    assert not verify(gate, trained_run(gate, run_id), "1")
    differing = [line for line in capsys.readouterr().out.splitlines() if "DIFFERS" in line]
    assert [line.split()[1] for line in differing] == ["network", "test/accuracy"]


def test_on_another_machine_the_last_digits_may_differ(gate, prepared, train_params, capsys):
    run_id = evaluated(gate, prepared, train_params)
    gate.client.set_tag(run_id, "instruction_set", "another")
    recorded = trained_run(gate, run_id).metrics["test/accuracy"]
    gate.client.log_metric(run_id, "test/accuracy", recorded + 0.004)
    assert verify(gate, trained_run(gate, run_id), "1")
    assert "0.005" in capsys.readouterr().out


def test_a_version_evaluated_on_other_pictures_cannot_be_verified(gate, prepared):
    run_id = trained(gate.client, prepared, "elsewhere", data="e" * 64)
    with pytest.raises(UserError, match=r"version 7 .*other pictures .*--lineage 7"):
        verify(gate, trained_run(gate, run_id), "7")
