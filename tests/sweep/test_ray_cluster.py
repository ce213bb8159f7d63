"""A sweep runs on several machines: a real PostgreSQL, MLflow server, and Ray cluster that loses a node."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest
from checkouts import change, clone, run, start, succeed, wait_for
from servers import mlflow_server, postgresql, ray_cluster, stop

from realfake.core.errors import UserError
from realfake.sweep.ray_cluster import WorkerResources, fitting_workers, node_files
from realfake.sweep.storage import open_database


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The addresses of a database and an MLflow server that machines share."""
    with postgresql() as storage, mlflow_server(tmp_path_factory.mktemp("mlflow")) as uri:
        yield {"storage": storage, "mlflow": uri}


def states(project: Path) -> list[str]:
    with (project / "outputs/tune/trials.csv").open() as file:
        return [row["state"] for row in csv.DictReader(file)]


def runs_of_study(uri: str, name: str) -> tuple[list, list, object]:
    """Return the parent runs and child runs of a study on an MLflow server, and a client of it."""
    import mlflow

    client = mlflow.MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("realfake").experiment_id], max_results=1000)
    parents = [run for run in runs if run.data.tags.get("sweep") == name]
    ids = {run.info.run_id for run in parents}
    return parents, [run for run in runs if run.data.tags.get("mlflow.parentRunId") in ids], client


opened_database = cache(open_database)
"""Opens each database once: tests query it many times a second, and each new storage keeps connections for a while."""


def running_trials(storage: str, name: str, process) -> list[int]:
    """Return the numbers of the study's trials that descendants of a process are training now."""
    import optuna
    from optuna.trial import TrialState

    family = {str(member.pid) for member in psutil.Process(process.pid).children(recursive=True)}
    try:
        study = optuna.load_study(study_name=name, storage=opened_database(storage))
    except KeyError:
        return []
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    locks = {trial.number: Path(trial.user_attrs.get("worker", {}).get("lock", "")).name for trial in running}
    return [number for number, lock in locks.items() if lock.partition("-")[0] in family]


@pytest.mark.slow
def test_two_checkouts_share_a_database_and_one_is_killed(copied: Path, shared, tmp_path: Path) -> None:
    change(copied, "train", epochs=3)
    change(copied, "tune", startup_trials=3)
    succeed(copied, "git commit -qam sweep")
    other = clone(copied, tmp_path / "other")
    succeed(other, "dvc repro preprocess")
    command = f"python src/tune.py --trials 4 --study both --storage {shared['storage']}"
    variables = {"MLFLOW_TRACKING_URI": shared["mlflow"]}
    first = start(copied, command, tmp_path / "first.txt", **variables)
    second = start(other, command, tmp_path / "second.txt", **variables)
    (lost,) = wait_for(lambda: running_trials(shared["storage"], "both", second), first)
    stop(second)
    assert first.wait(300) == 0, (tmp_path / "first.txt").read_text()
    found = states(copied)
    assert sum(state in ("complete", "pruned") for state in found) == 4
    assert found[lost] == "fail"
    (parent,), children, _ = runs_of_study(shared["mlflow"], "both")
    assert parent.info.status == "FINISHED"
    assert len(found) - len(children) in (0, 1), "a kill can happen after a trial has started and before its run has"
    assert not any(child.info.status == "RUNNING" for child in children)


@pytest.mark.slow
def test_a_ray_cluster_loses_a_node_and_the_sweep_does_not(copied: Path, shared, tmp_path: Path) -> None:
    change(copied, "train", epochs=6)
    change(copied, "tune", startup_trials=3)
    command = f"python src/tune.py --trials 4 --study nodes --storage {shared['storage']} --cpus 1 --ray "
    variables = {"MLFLOW_TRACKING_URI": shared["mlflow"]}
    with ray_cluster() as cluster:
        cluster.add(cpus=1)
        lost = cluster.add(cpus=1)
        output = tmp_path / "swept.txt"
        sweep = start(copied, command + cluster.address, output, **variables)
        (number,) = wait_for(lambda: running_trials(shared["storage"], "nodes", lost), sweep)
        stop(lost)
        assert sweep.wait(400) == 0, output.read_text()
    assert "2 workers with 1 CPUs" in output.read_text()
    found = states(copied)
    assert sum(state in ("complete", "pruned") for state in found) == 4
    assert found[number] == "fail"
    parents, children, client = runs_of_study(shared["mlflow"], "nodes")
    assert [run.info.status for run in parents] == ["FINISHED"]
    assert not any(run.info.status == "RUNNING" for run in children)
    assert {run.data.tags["git_commit"] for run in children} == {parents[0].data.tags["git_commit"]}
    with_model = [run.info.run_id for run in children if client.list_artifacts(run.info.run_id, "model")]
    assert with_model == [parents[0].data.tags["best_run"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--ray 127.0.0.1:6379", "--ray needs a database"),
        ("--storage sqlite:///x.db --study s --ray 127.0.0.1:6379", "--ray needs a database"),
        ("--study s --storage {storage} --ray 127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
        ("--storage {storage} --study ../x", "--study is ../x"),
    ],
)
def test_an_unusable_option_is_a_one_line_error(copied: Path, shared, options: str, expected: str) -> None:
    command = f"python src/tune.py --trials 1 {options.format(**shared)}"
    done = run(copied, command, MLFLOW_TRACKING_URI=shared["mlflow"])
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "secret" not in done.stderr


def test_as_many_workers_run_as_fit_on_the_nodes() -> None:
    nodes = [{"CPU": 3.0}, {"CPU": 7.0, "GPU": 3.0}]
    assert [
        fitting_workers(nodes, resources)
        for resources in (WorkerResources(2, 0), WorkerResources(2, 1), WorkerResources(1, 0.5))
    ] == [4, 3, 6]
    with pytest.raises(UserError, match=r"8 CPUs and 0 GPUs \(nodes: 3 CPUs and 0 GPUs, 7"):
        fitting_workers(nodes, WorkerResources(8, 0))


def test_starting_weights_are_sent_to_the_nodes(project: Path) -> None:
    from realfake.config.schema import load_params

    params = load_params(project / "params.yaml")
    assert set(node_files(params)) == {"dvc.yaml"}
    (project / "start.weights.h5").write_bytes(b"weights")
    train = params.train.model_copy(update={"weights": "start.weights.h5"})
    assert node_files(params.model_copy(update={"train": train}))["start.weights.h5"] == b"weights"
