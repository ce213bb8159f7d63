"""Runs are compared by the parameters that differ from the committed ones, and by their accuracies."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from checkouts import first_commit
from conftest import PROJECT

from realfake.config.schema import flatten, load_params
from realfake.reporting.run_comparison import (
    COMPARED_METRICS,
    WIDTH,
    as_csv,
    as_records,
    as_table,
    committed_params,
    compare,
)
from realfake.tracking.store import as_metrics, create_run, open_store

METRICS = {
    "test/accuracy": 0.975,
    "test/robust/accuracy": 0.9546,
    "export/litert_int8/accuracy": 0.974,
    "test/ece": 0.1,
}


@pytest.fixture
def client(project: Path):
    """An MLflow client, in a project whose committed parameters are the quick recipe's."""
    shutil.copy(PROJECT / "recipes/quick.yaml", project / "params.yaml")
    first_commit(project)
    with open_store("realfake") as opened:
        yield opened


def add(client: Any, name: str, tags: dict[str, str] | None = None, **changed: Any) -> str:
    """Add a finished run with the committed parameters and a change, or a child run with the change alone."""
    values = {key.replace("__", "."): value for key, value in changed.items()}
    of_child = tags is not None and "mlflow.parentRunId" in tags
    params = values if of_child else flatten(load_params(Path("params.yaml"))) | values
    run = create_run(client, "realfake", name, params, tags or {"data_digest": "d" * 64}).run_id
    client.log_batch(run, metrics=as_metrics(METRICS, step=0))
    client.set_terminated(run)
    return run


def rows(client: Any, limit: int = 20):
    return compare(client, "realfake", Path.cwd(), limit)


def test_the_newest_run_is_first_with_its_changes_and_metrics(client):
    add(client, "first")
    add(client, "second", train__epochs=3, train__weights="none", train__weights_sha256=None)
    second, first = rows(client)
    assert (second.run, first.run) == ("second", "first")
    assert first.changed == {}
    assert second.changed == {"train.epochs": ("12", "3"), "train.weights": ("cifake", "none")}, (
        "the digest follows from the weights"
    )
    assert second.metrics == {"accuracy": 0.975, "damaged": 0.9546, "int8": 0.974}
    assert second.seconds is not None
    assert [run.run for run in rows(client, limit=1)] == ["second"]


def test_figures_on_other_pictures_are_marked(client):
    add(client, "first", {"data_digest": "a" * 64})
    add(client, "second", {"data_digest": "b" * 64})
    assert [run.changed for run in rows(client)] == [{}, {"data": ("b" * 12, "a" * 12)}]


def test_another_evaluation_is_a_row_and_sweeps_are_left_out(client):
    training = add(client, "training")
    add(client, "again", {"mlflow.parentRunId": training, "stage": "evaluate"}, evaluate__threshold=0.7)
    sweep = add(client, "sweep", {"sweep": "sweep", "data_digest": "d" * 64})
    add(client, "trial-0", {"mlflow.parentRunId": sweep, "trial": "0"})
    again, first = rows(client)
    assert (again.run, first.run) == ("again", "training")
    assert again.changed == {"evaluate.threshold": ("0.5", "0.7")}
    assert again.seconds is None


def test_an_unfinished_run_has_its_status(client):
    create_run(client, "realfake", "toy", {}, {})
    (run,) = rows(client)
    assert (run.status, run.seconds, run.metrics) == ("running", None, {})
    assert "running" in as_table([run])


def test_without_a_commit_the_newest_training_is_compared_with(project, client):
    shutil.rmtree(project / ".git")
    subprocess.run(["git", "init", "-q", project], check=True)
    assert committed_params(project) is None
    add(client, "first")
    add(client, "second", train__epochs=3)
    assert [run.changed for run in rows(client)] == [{}, {"train.epochs": ("3", "12")}]


def test_invalid_committed_parameters_are_ignored(project, client):
    (project / "params.yaml").write_text("train: {unknown: 1}\n")
    subprocess.run(["git", "commit", "-qam", "invalid"], check=True)
    assert committed_params(project) is None


def test_the_table_fits_a_terminal_whatever_changed(client):
    many = {key.replace(".", "__"): "another value than before" for key in flatten(load_params(Path("params.yaml")))}
    add(client, "a-backbone-with-a-very-long-name-of-its-own-224px-imagenet-last10-30ep-1125-140751", **many)
    (run,) = rows(client)
    table = as_table([run])
    assert max(len(line) for line in table.splitlines()) <= WIDTH
    assert "train.epochs 12 -> another va...han before" in " ".join(table.split())
    assert "1125-140751" in table, "the time distinguishes runs of the same name"


def test_json_and_csv_have_the_same_values(client):
    run = add(client, "toy", train__epochs=3)
    (record,) = json.loads(json.dumps(as_records(rows(client))))
    assert record["run_id"] == run
    assert record["changed"] == {"train.epochs": {"committed": "12", "run": "3"}}
    (line,) = csv.DictReader(io.StringIO(as_csv(rows(client))))
    assert line["changed"] == "train.epochs 12 -> 3"
    for name in COMPARED_METRICS:
        assert float(line[name]) == record[name]
