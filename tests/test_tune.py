"""`src/tune.py` finds the best parameters, continues after kills, and shares a study between terminals."""

import csv
import os
import re
import signal
from pathlib import Path

import pytest
import yaml
from checkouts import change, run, start, store, succeed, wait_for

from realfake.config.schema import load_params

pytestmark = pytest.mark.slow


def trials(project: Path) -> list[dict[str, str]]:
    with (project / "outputs/tune/trials.csv").open() as file:
        return list(csv.DictReader(file))


def printed_trials(output: Path) -> list[int]:
    """Return the numbers of the trials that a running sweep has printed."""
    return [int(number) for number in re.findall(r"^trial +(\d+)", output.read_text(), re.MULTILINE)]


@pytest.fixture
def sweeping(copied: Path) -> Path:
    change(copied, "train", epochs=3)
    change(copied, "tune", startup_trials=3)
    return copied


def test_a_sweep_writes_and_applies_the_best_parameters(sweeping: Path) -> None:
    printed = succeed(sweeping, "python src/tune.py --trials 6 --jobs 2 --metric val_loss --apply")
    rows = trials(sweeping)
    finished = [row for row in rows if row["state"] in ("complete", "pruned")]
    assert len(finished) == 6
    best = min((row for row in rows if row["value"]), key=lambda row: float(row["value"]))
    values = yaml.safe_load((sweeping / "outputs/tune/best.yaml").read_text())["train"]
    assert values["dropout"] == float(best["dropout"])
    params = load_params(sweeping / "params.yaml")
    assert params.train.dropout == values["dropout"]
    assert params.train.optimizer.learning_rate == values["optimizer"]["learning_rate"]
    assert "dvc repro" in printed
    for name in ("history", "slice", "parallel"):
        assert (sweeping / f"outputs/tune/figures/{name}.png").stat().st_size > 5_000
    client = store(sweeping)
    runs = client.search_runs([client.get_experiment_by_name("realfake").experiment_id])
    (parent,) = [run for run in runs if run.data.tags.get("sweep") == "sweep-1"]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(rows)
    assert all(child.info.status == "FINISHED" for child in children)
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["best"] == pytest.approx(float(best["value"]))
    artifacts = [item.path for item in client.list_artifacts(parent.info.run_id, "sweep")]
    assert {"sweep/best.yaml", "sweep/trials.csv", "sweep/figures"} <= set(artifacts)
    kept = [child.info.run_id for child in children if client.list_artifacts(child.info.run_id)]
    assert kept == [parent.data.tags["best_run"]], "only the network of the best trial is kept"

    again = succeed(sweeping, "python src/tune.py --trials 6 --metric val_loss")
    assert "6 of 6 trials are finished" in again
    assert len(trials(sweeping)) == len(rows)


def test_a_kill_loses_only_running_trials(sweeping: Path, tmp_path: Path) -> None:
    output = tmp_path / "killed.txt"
    parent = start(sweeping, "python src/tune.py --trials 4", output)
    wait_for(lambda: len(printed_trials(output)) >= 2, parent)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    done = printed_trials(output)
    printed = succeed(sweeping, "python src/tune.py --trials 4")
    rows = trials(sweeping)
    assert sum(row["state"] in ("complete", "pruned") for row in rows) == 4
    assert all(row["state"] in ("complete", "pruned") for row in rows if int(row["trial"]) in done)
    lost = [row for row in rows if row["state"] == "fail"]
    assert len(lost) <= 1
    assert "of 4 trials are finished" in printed


def test_after_ctrl_c_the_message_says_how_to_continue(sweeping: Path, tmp_path: Path) -> None:
    output = tmp_path / "stopped.txt"
    parent = start(sweeping, "python src/tune.py --trials 4", output)
    wait_for(lambda: len(printed_trials(output)) >= 1, parent)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(60) == 1
    assert re.search(r"error: stopped after \d of 4 trials; .*--study sweep-1", output.read_text())


def test_two_terminals_share_one_study(sweeping: Path, tmp_path: Path) -> None:
    terminals = [start(sweeping, "python src/tune.py --trials 4", tmp_path / f"{n}.txt") for n in range(2)]
    assert [terminal.wait(240) for terminal in terminals] == [0, 0]
    rows = trials(sweeping)
    assert [row["state"] in ("complete", "pruned") for row in rows] == [True] * 4


@pytest.mark.parametrize(
    ("arguments", "changes", "expected"),
    [
        ("--trials -1", {}, "--trials is -1"),
        ("--study s --storage postgresql+psycopg://a:secret@127.0.0.1:9/x", {}, "cannot be used"),
        ("--storage postgresql://a:secret@b/x", {}, "--storage needs --study"),
        ("--new --study s", {}, "use only one"),
        ("--trials 2", {"space": {}}, "tune.space is {}"),
        ("--trials 2", {"space": {"unfreeze": {"choices": [0, 999]}}}, "tune.space.unfreeze has 999"),
    ],
)
def test_an_unusable_option_is_a_one_line_error(copied: Path, arguments: str, changes: dict, expected: str) -> None:
    change(copied, "tune", **changes)
    done = run(copied, f"python src/tune.py {arguments}")
    assert done.returncode == 1
    assert expected in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (copied / ".cache/sweeps/sweep-1/journal.log").exists(), "no study is started"
