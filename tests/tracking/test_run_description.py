"""The stages renew a run's description on its MLflow page until a person edits it."""

import pytest
from stage_files import DIGEST, epoch_result, training_record

from realfake.tracking.experiment_page import DESCRIPTION_TAG
from realfake.tracking.run_description import describe_run
from realfake.tracking.store import as_metrics, create_run, open_store

TRAINING = training_record(
    {"train.weights": "cifake", "train.epochs": 12, "train.optimizer.learning_rate": 0.001},
    pictures={"train": {"FAKE": 2160, "REAL": 2147}, "test": {"FAKE": 600, "REAL": 600}},
    best=epoch_result(11, val_accuracy=0.9655),
)


@pytest.fixture
def client(project):
    with open_store("realfake") as opened:
        yield opened


@pytest.fixture
def run(client):
    """The id of a training's run without any metrics."""
    return create_run(client, "realfake", "toy", {}, {"git_commit": "0123456789abcdef", "git_dirty": "false"}).run_id


def describe(client, run_id: str) -> str:
    """Renew a run's description, and return it."""
    describe_run(client, run_id, TRAINING)
    return client.get_run(run_id).data.tags[DESCRIPTION_TAG]


def test_it_has_metrics_recipe_data_and_links(client, run):
    values = {"test/accuracy": 0.975, "test/accuracy_ci_low": 0.956, "test/accuracy_ci_high": 0.988, "test/ece": 0.03}
    client.log_batch(run, metrics=as_metrics(values, step=0))
    client.log_param(run, "evaluate.threshold", 0.5)
    text = describe(client, run)
    for part in ("accuracy **97.50%** (95.60% to 98.80%)", "ECE 3.00%", "val accuracy 96.55% in epoch 11"):
        assert part in text
    for part in ("weights cifake", "12 epochs", "learning rate 0.001", "train 4,307, test 1,200", f"`{DIGEST[:12]}`"):
        assert part in text
    assert f"/runs/{run}/artifacts/evaluate/figures?" in text
    assert "`012345678`" in text
    assert "model_card" not in text, "nothing was exported"
    assert "int8" not in text


def test_every_stage_renews_it(client, run):
    first = describe(client, run)
    client.log_metric(run, "test/accuracy", 0.9)
    second = describe(client, run)
    assert "90.00%" not in first
    assert "90.00%" in second
    client.log_metric(run, "test/accuracy", 0.8)
    assert "80.00%" in describe(client, run)


@pytest.mark.parametrize("edit", ["my own words", "{written}", "{written}\n\nand a remark", "seen: {written}"])
def test_what_a_person_wrote_or_edited_is_kept(client, run, edit: str):
    own = edit.format(written=describe(client, run))
    client.set_tag(run, DESCRIPTION_TAG, own)
    client.log_metric(run, "test/accuracy", 0.9)
    assert (describe(client, run) == own) == (edit != "{written}")


def test_a_stage_with_other_params_links_to_the_training(client, run):
    tags = {"mlflow.parentRunId": run, "stage": "evaluate"}
    child = create_run(client, "realfake", "toy-evaluate-2", {"evaluate.threshold": 0.7}, tags).run_id
    text = describe(client, child)
    assert f"[training](#/experiments/1/runs/{run}?" in text
    assert f"/runs/{child}/artifacts/evaluate/figures?" in text
    assert f"/runs/{run}/artifacts/figures/learning_curves.png?" in text
