"""Each training has one run; later stages log to it, to a child run, or rebuild it."""

from pathlib import Path

import numpy as np
import pytest
from stage_files import epoch_result, training_record

from realfake.config.schema import flatten
from realfake.data.fingerprints import write_fingerprints
from realfake.models.architecture import describe
from realfake.models.builder import build_network
from realfake.models.saving import save_network
from realfake.tracking.runs import find_run_link, log_stage, training_run
from realfake.tracking.store import tracking_uri
from realfake.training.history import EpochTiming, write_history
from realfake.training.training_record import Calibration

RESULTS = [epoch_result(epoch, train_loss=1 / epoch, val_loss=1 / epoch) for epoch in (1, 2)]
TIMING = EpochTiming(epoch_seconds=1.0, input_wait=0.0)


def client():
    import mlflow

    return mlflow.MlflowClient(tracking_uri())


@pytest.fixture
def model(project: Path, train_params) -> Path:
    """The folder outputs/model as train leaves it."""
    folder = project / "outputs/model"
    folder.mkdir(parents=True)
    network = build_network(train_params)
    save_network(network, folder / "model.keras")
    write_history(folder, RESULTS)
    write_fingerprints(folder, np.zeros(1, dtype=np.uint64))
    params = {f"train.{key}": value for key, value in flatten(train_params).items()}
    parts = describe(network, train_params)
    training_record(params, parts=parts, best=RESULTS[1], calibration=Calibration(0.8, 0.0)).write(folder)
    return folder


def evaluate(model: Path, threshold: float):
    """Log an evaluation with a threshold, and return the link to its run."""
    report = model.parent / "evaluation"
    report.mkdir(exist_ok=True)
    (report / "roc.png").write_bytes(b"figure")
    return log_stage("evaluate", model, {"threshold": threshold}, {"accuracy": threshold}, report, "realfake")


@pytest.mark.slow
def test_a_training_is_one_run_with_everything_and_stages_join_it(project, model):
    with training_run(project, "toy-1", "realfake", {"train.epochs": 2}) as tracked:
        tracked.log_epoch(RESULTS[0], TIMING)
        tracked.close(model)  # a kill after the checkpoint of the second epoch kept that epoch from being logged
    link = find_run_link(model)
    assert link is not None
    run = client().get_run(link.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "toy-1")
    assert [point.step for point in client().get_metric_history(link.run_id, "val_loss")] == [1, 2]
    assert run.inputs.dataset_inputs[0].dataset.digest == "d" * 32
    assert run.data.tags["data_digest"] == "d" * 64
    assert {file.path for file in client().list_artifacts(link.run_id)} >= {"figures", "training", "environment"}
    assert len(client().search_logged_models([run.info.experiment_id])) == 1

    assert evaluate(model, 0.5) == evaluate(model, 0.5) == link
    child = evaluate(model, 0.7)
    assert child.run_id != link.run_id
    assert evaluate(model, 0.7) == child
    assert client().get_run(child.run_id).data.tags["mlflow.parentRunId"] == link.run_id
    assert client().get_run(child.run_id).data.params == {"evaluate.threshold": "0.7"}
    assert client().get_run(link.run_id).data.metrics["accuracy"] == 0.5

    client().delete_run(link.run_id)
    rebuilt = evaluate(model, 0.5)
    assert rebuilt.name == "toy-rebuilt"
    assert find_run_link(model) == rebuilt
    assert client().get_run(rebuilt.run_id).data.params["train.backbone"] == "resnet8"
    assert [point.step for point in client().get_metric_history(rebuilt.run_id, "val_loss")] == [1, 2]


def test_an_interrupted_training_resumes_in_the_same_run(project):
    with pytest.raises(KeyboardInterrupt), training_run(project, "toy", "realfake", {"a": 1}) as tracked:
        tracked.log_epoch(RESULTS[0], TIMING)
        raise KeyboardInterrupt
    (run,) = client().search_runs(["1"])
    assert run.info.status == "KILLED"
    with training_run(project, "other name", "realfake", {"a": 1}) as tracked:
        tracked.log_epoch(RESULTS[0], TIMING)
        tracked.log_epoch(RESULTS[1], TIMING)
        assert client().get_run(run.info.run_id).info.status == "RUNNING"
    assert len(client().search_runs(["1"])) == 1
    assert len(client().get_metric_history(run.info.run_id, "val_loss")) == 2


@pytest.mark.slow
def test_trainings_that_differ_after_their_epochs_only_are_two_runs(project, model):
    """train.mirror and train.calibration change the network after the last epoch: another model, so another run."""
    made = {}
    for mirror in (False, True, False):
        with training_run(project, f"mirror-{mirror}", "realfake", {"train.mirror": mirror}) as tracked:
            tracked.close(model)
        made.setdefault(mirror, set()).add(tracked.run_id)
    assert [len(made[mirror]) for mirror in (False, True)] == [1, 1]
    assert made[False] != made[True]
    for mirror, (run_id,) in made.items():
        run = client().get_run(run_id)
        assert run.data.params == {"train.mirror": str(mirror)}
        assert run.data.tags["model_logged"] == "true"
        assert [point.step for point in client().get_metric_history(run_id, "val_loss")] == [1, 2]
