"""Log the stages' results to MLflow. Run ids are passed explicitly, never through the environment.

Each training is one run. The stages evaluate and export find it (run_link.py) and log to it, or to a child run once
their own params have changed. A run that no longer exists (deleted, another database) is rebuilt from outputs/model.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import distributions, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from realfake.core import plot_style
from realfake.core.environment import git_tags, machine_tags
from realfake.core.files import key_of, sha256_file
from realfake.core.native_output import quiet
from realfake.data.fingerprints import SEEN_FILE
from realfake.tracking import lineage
from realfake.tracking.experiment_page import HEADLINE_METRICS
from realfake.tracking.run_description import describe_run
from realfake.tracking.run_link import RunLink, find_run_link, link_file
from realfake.tracking.store import as_metrics, create_run, log_params, open_store, run_exists
from realfake.training.history import HISTORY_FILE, EpochResult, EpochTiming, read_history
from realfake.training.plots import architecture, learning_curves
from realfake.training.training_record import RECORD_FILE, TrainingRecord


class TrainingRun:
    """The MLflow run of a training in progress."""

    def __init__(self, client: Any, link: RunLink) -> None:
        self._client, self._link = client, link
        self.run_id = link.run_id

    def log_epoch(self, result: EpochResult, timing: EpochTiming) -> None:
        """Log the metrics and timing of one epoch, at the step of its number."""
        _log_epochs(self._client, self._link.run_id, [{**asdict(result), **asdict(timing)}])

    def log_feature_cache(self, use: Mapping[str, float]) -> None:
        """Log how the feature cache was used by this training, as the metrics `trunk/...`."""
        metrics = {f"trunk/{key}": value for key, value in use.items()}
        self._client.log_batch(self.run_id, metrics=as_metrics(metrics, step=0))

    def close(self, model_folder: Path) -> None:
        """Log the results of the finished training from its folder, and link the model to the run for later stages."""
        _log_training(self._client, self._link, model_folder)
        self._link.write(link_file(model_folder))


@contextmanager
def training_run(folder: Path, name: str, experiment: str, params: Mapping[str, Any]) -> Iterator[TrainingRun]:
    """Start the run of a training, or resume the run of an interrupted one.

    If the block ends early, the run is marked KILLED (after Ctrl-C) or FAILED.

    Args:
        folder: the training's checkpoint folder, which also keeps the run id. Trainings that differ only in
            schema.FINISHING share the folder, but not the run.
        name: name of a new run.
        experiment: name of the MLflow experiment.
        params: parameters by dotted name.

    Raises:
        UserError: the store cannot be reached or written.
    """
    file = folder / f"run-{key_of(params)}.json"
    with open_store(experiment) as client:
        link = RunLink.read(file)
        if link is not None and run_exists(client, link.run_id):
            client.update_run(link.run_id, status="RUNNING")
        else:
            link = create_run(client, experiment, name, params, {**git_tags(), **machine_tags()})
            link.write(file)
            lineage.record(client, link.run_id)
        try:
            yield TrainingRun(client, link)
        except BaseException as error:
            client.set_terminated(link.run_id, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
            raise


def log_stage(
    stage: str,
    model_folder: Path,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    folder: Path,
    experiment: str,
) -> RunLink:
    """Log a later stage's params, metrics and files to the run that trained the model.

    Where that run already has other values of the stage's params, a child run is used: MLflow params cannot be changed.

    Args:
        stage: `evaluate` or `export`; prefix of the params, and folder of the artifacts.
        model_folder: outputs/model.
        params: the stage's parameters by dotted name, without the stage.
        metrics: values by name.
        folder: folder whose files become artifacts under `stage`.
        experiment: name of the MLflow experiment, used if the run must be rebuilt.

    Returns:
        The link to the run that was logged to.
    """
    prefixed = {f"{stage}.{key}": str(value) for key, value in params.items()}
    with open_store(experiment) as client:
        link = _find_or_rebuild(client, model_folder, experiment)
        lineage.record(client, link.run_id)
        lineage.record_lock(client, link.run_id)
        training_id, link = link.run_id, _run_for_params(client, link, stage, prefixed)
        _log_stage_metrics(client, link.run_id, metrics)
        client.log_artifacts(link.run_id, str(folder), artifact_path=stage)
        client.set_tag(training_id, f"last_{stage}", link.run_id)
        record = TrainingRecord.read(model_folder)
        for run_id in dict.fromkeys((training_id, link.run_id)):
            describe_run(client, run_id, record)
    return link


def _log_stage_metrics(client: Any, run_id: str, metrics: Mapping[str, float]) -> None:
    """Log metrics, the headline metrics first, since MLflow lists them in this order.

    Only the headline metrics are also logged to the model, whose page shows no others.
    """
    outputs = client.get_run(run_id).outputs
    models = outputs.model_outputs if outputs is not None else []
    headline = {name: metrics[name] for name in HEADLINE_METRICS.values() if name in metrics}
    others = {name: value for name, value in metrics.items() if name not in headline}
    first = as_metrics(headline, step=0, model_id=models[0].model_id if models else None)
    client.log_batch(run_id, metrics=[*first, *as_metrics(others, step=0)])


def _find_or_rebuild(client: Any, model_folder: Path, experiment: str) -> RunLink:
    """Return the run that trained a model; rebuild it from the model's folder if it no longer exists."""
    link = find_run_link(model_folder)
    if link is not None and run_exists(client, link.run_id):
        return link
    record = TrainingRecord.read(model_folder)
    name = f"{record.name}-rebuilt"
    link = create_run(client, experiment, name, record.params, {"rebuilt": "true"})
    _log_training(client, link, model_folder)
    link.write(link_file(model_folder))
    print(f"the MLflow run of this model no longer exists; it was rebuilt as {name}", flush=True)
    return link


def _run_for_params(client: Any, link: RunLink, stage: str, params: Mapping[str, str]) -> RunLink:
    """Return the run, or child run, that has these params of a stage; create a child run if there is none."""
    parent = client.get_run(link.run_id)
    is_child = f"tags.`mlflow.parentRunId` = '{link.run_id}' AND tags.stage = '{stage}'"
    children = client.search_runs([parent.info.experiment_id], is_child)
    for run in [parent, *children]:
        logged = {key: value for key, value in run.data.params.items() if key.startswith(f"{stage}.")}
        if not logged and run is parent:
            log_params(client, link.run_id, params)
            return link
        if logged == params:
            return RunLink(run.info.run_id, run.info.run_name, link.experiment, run.info.experiment_id)
    name = f"{link.name}-{stage}-{len(children) + 2}"
    tags = {"mlflow.parentRunId": link.run_id, "stage": stage, **git_tags()}
    child = create_run(client, link.experiment, name, params, tags)
    client.set_terminated(child.run_id)
    return child


def _log_training(client: Any, link: RunLink, model_folder: Path) -> None:
    """Log all results of a finished training from the model's folder, and mark its run as finished."""
    record, history = TrainingRecord.read(model_folder), read_history(model_folder)
    _log_epochs(client, link.run_id, [asdict(result) for result in history])
    best = {f"best/{name}": value for name, value in asdict(record.best).items()}
    calibration = {f"calibration/{name}": value for name, value in record.calibration.figures().items()}
    weights = {"weights": sum(part.weights for part in record.parts)}
    client.log_batch(link.run_id, metrics=as_metrics(best | calibration | weights, step=0))
    client.set_tag(link.run_id, "data_digest", record.data_digest)
    client.set_tag(link.run_id, "model_sha256", sha256_file(model_folder / "model.keras"))
    _log_dataset(client, link.run_id, record)
    _log_figures(client, link.run_id, record, history)
    for name in (RECORD_FILE, HISTORY_FILE, SEEN_FILE):
        client.log_artifact(link.run_id, str(model_folder / name), artifact_path="training")
    installed = sorted(f"{d.metadata['Name']}=={d.version}" for d in distributions())
    client.log_text(link.run_id, "\n".join(installed) + "\n", "environment/requirements.txt")
    if "model_logged" not in client.get_run(link.run_id).data.tags:
        _log_model(link.run_id, model_folder)
        client.set_tag(link.run_id, "model_logged", "true")
    describe_run(client, link.run_id, record)
    client.set_terminated(link.run_id)


def _log_figures(client: Any, run_id: str, record: TrainingRecord, history: Sequence[EpochResult]) -> None:
    """Draw the learning curves and the architecture as artifacts; a stage's outputs must not depend on Matplotlib."""
    with TemporaryDirectory() as folder:
        plot_style.save_figure(learning_curves(history), Path(folder, "learning_curves.png"))
        plot_style.save_figure(architecture(record.parts), Path(folder, "architecture.png"))
        client.log_artifacts(run_id, folder, artifact_path="figures")


def _log_dataset(client: Any, run_id: str, record: TrainingRecord) -> None:
    """Log the data set of a training as an input of its run, with the numbers of pictures by split and class."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    source = CodeDatasetSource(tags={"path": "data.dvc", **git_tags()})
    dataset = MetaDataset(source, name="pictures", digest=record.data_digest[:32])  # MLflow takes at most 36
    counts = [InputTag("mlflow.data.context", "training"), InputTag("pictures", str(record.pictures))]
    client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), counts)])


def _log_model(run_id: str, model_folder: Path) -> None:
    """Log the Keras model for `mlflow models serve`: float32 (N, S, S, 3) in [0, 1] in, P(REAL) float32 (N, 1) out.

    No input example is logged: MLflow would load the model again, run it and keep a megabyte of grey pixels.
    """
    import mlflow.tensorflow
    import numpy as np

    from realfake.models.saving import load_network

    network = load_network(model_folder / "model.keras")
    picture = np.full((1, *network.input_shape[1:]), 0.5, dtype=np.float32)
    with quiet(), mlflow.start_run(run_id=run_id):
        mlflow.tensorflow.log_model(
            network,
            name="model",
            signature=mlflow.models.infer_signature(picture, np.zeros((1, 1), dtype=np.float32)),
            pip_requirements=[f"{name}=={version(name)}" for name in ("tensorflow", "keras", "mlflow", "numpy")],
        )


def _log_epochs(client: Any, run_id: str, epochs: Sequence[Mapping[str, float]]) -> None:
    """Log the metrics of those epochs that the run does not have yet.

    Some may be missing: the training can be killed after it saved a checkpoint and before it logged the epoch.
    """
    logged = {point.step for point in client.get_metric_history(run_id, "val_accuracy")}
    for epoch in epochs:
        values = dict(epoch)
        step = int(values.pop("epoch"))
        if step not in logged:
            client.log_batch(run_id, metrics=as_metrics(values, step=step))
