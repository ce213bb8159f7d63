"""Read finished training runs from MLflow: metrics, network, exported files, and what the network was trained on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from realfake.core.errors import UserError
from realfake.core.files import home
from realfake.data.fingerprints import SEEN_FILE, Fingerprints, read_fingerprints
from realfake.data.preparation_report import PreparationReport
from realfake.evaluation.predictions import PREDICTIONS_FILE, Prediction, read_predictions
from realfake.export.results import FORMATS_FILE, ExportResults, Quality
from realfake.models import pretrained
from realfake.tracking.store import download_artifact, has_artifact

if TYPE_CHECKING:
    import keras

HIGHER_IS_BETTER = {"val_accuracy": True, "val_auc": True, "val_loss": False}
"""Whether a higher value is better, by the values of `promote.metric`."""


@dataclass(frozen=True)
class TrainedRun:
    """A training run, with what evaluate and export have logged to it or to child runs."""

    run_id: str
    name: str
    model_id: str
    """MLflow's id of the logged network."""
    model_folder: str
    """Address of the logged network's files."""
    params: Mapping[str, str]
    """Params of the run by name; the last child run of each stage overrides them."""
    tags: Mapping[str, str]
    """Tags of the training run."""
    metrics: Mapping[str, float]
    """Metrics by name; the last child run of each stage overrides them."""
    stages: Mapping[str, str]
    """Id of the run that holds the artifacts of a stage, for `evaluate` and `export`."""

    @property
    def data(self) -> dict[str, str]:
        """Return the identity of the training data: content digest and parameters of preprocess."""
        prepared = {name: value for name, value in self.params.items() if name.startswith("preprocess.")}
        return {"digest": self.tags.get("data_digest", ""), **prepared}

    @property
    def threshold(self) -> float:
        """Return the smallest P(REAL) for which this network predicts REAL."""
        return float(self.params.get("evaluate.threshold", "0.5"))


@dataclass(frozen=True)
class ShippedNetwork:
    """The network that is shipped with the project; no run of this store trained it."""

    seen: Fingerprints
    """Fingerprints of its training pictures."""


Ancestor = TrainedRun | ShippedNetwork | None
"""A network that a training started from; None: its training is unknown."""


def data_identity(report: PreparationReport) -> dict[str, str]:
    """Return the identity of prepared pictures, which equals `TrainedRun.data` of runs on the same pictures."""
    prepared = {f"preprocess.{name}": str(value) for name, value in report.params.items()}
    return {"digest": report.digest, **prepared}


def read_trained_run(client: Any, run: Any) -> TrainedRun:
    """Read a training run and its child runs.

    Args:
        client: an MLflow client.
        run: the MLflow run of the training.

    Raises:
        UserError: the run is not finished, or has logged no network.
    """
    experiments, run_id = [run.info.experiment_id], run.info.run_id
    logged = client.search_logged_models(experiments, f"source_run_id = '{run_id}'")
    if not logged or run.info.status != "FINISHED":
        raise UserError(f"run {run.info.run_name} is no finished training with a network; choose another with --run")
    children = {
        child.info.run_id: child for child in client.search_runs(experiments, f"tags.`mlflow.parentRunId` = '{run_id}'")
    }
    params, metrics = dict(run.data.params), dict(run.data.metrics)
    stages = dict.fromkeys(("evaluate", "export"), run_id)
    for stage in stages:
        last = children.get(run.data.tags.get(f"last_{stage}", ""))
        if last is not None:
            params |= last.data.params
            metrics |= last.data.metrics
            stages[stage] = last.info.run_id
    model = (logged[0].model_id, logged[0].artifact_location)
    return TrainedRun(run_id, run.info.run_name, *model, params, dict(run.data.tags), metrics, stages)


def find_run(client: Any, experiment: str, wanted: str) -> Any:
    """Return the run with an id, or the newest one with a name.

    Args:
        client: an MLflow client.
        experiment: name of an existing experiment.
        wanted: id or name.

    Raises:
        UserError: there is no such run.
    """
    experiment_id = client.get_experiment_by_name(experiment).experiment_id
    for condition in (f"attributes.run_id = '{wanted}'", f"attributes.run_name = '{wanted}'"):
        if found := client.search_runs([experiment_id], condition) if "'" not in wanted else []:
            return found[0]
    raise UserError(f"experiment {experiment} has no run {wanted}; `make ui` shows names and ids")


def find_candidates(client: Any, experiment: str, metric: str, data: Mapping[str, str]) -> tuple[list[Any], int]:
    """Find finished trainings on the same pictures. Metrics on val are comparable only on the same val.

    Args:
        client: an MLflow client.
        experiment: name of an existing experiment.
        metric: metric on val that orders the runs.
        data: identity of the pictures (see `data_identity`).

    Returns:
        MLflow runs, the best first; and the number of trainings on other pictures.
    """
    experiment_id = client.get_experiment_by_name(experiment).experiment_id
    finished = "attributes.status = 'FINISHED' AND tags.model_logged = 'true'"
    runs = [
        run
        for run in client.search_runs([experiment_id], finished, max_results=10_000)
        if f"best/{metric}" in run.data.metrics
    ]
    comparable = [run for run in runs if _same_data(run, data)]
    comparable.sort(key=lambda run: run.data.metrics[f"best/{metric}"], reverse=HIGHER_IS_BETTER[metric])
    return comparable, len(runs) - len(comparable)


def _same_data(run: Any, data: Mapping[str, str]) -> bool:
    digest, prepared = run.data.tags.get("data_digest"), {**data}
    return digest == prepared.pop("digest") and all(
        run.data.params.get(name) == value for name, value in prepared.items()
    )


def find_ancestors(client: Any, trained: TrainedRun) -> list[Ancestor]:
    """Find the networks that a training started from, directly and indirectly.

    Weights of a backbone (imagenet, .h5) are not trained by this project and do not count.

    Returns:
        The nearest network first; None is the last entry if the training of a network is unknown.
    """
    found: list[Ancestor] = []
    current = trained
    while pretrained.weights_file(current.params.get("train.weights", "none")).suffix == ".keras":
        digest = current.params.get("train.weights_sha256", "")
        if pretrained.is_shipped(home(), digest):
            return [*found, ShippedNetwork(pretrained.training_fingerprints(home()))]
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, f"tags.model_sha256 = '{digest}'", max_results=1)
        known = {trained.run_id, *(run.run_id for run in found if isinstance(run, TrainedRun))}
        if not runs or runs[0].info.run_id in known:
            return [*found, None]
        current = read_trained_run(client, runs[0])
        found.append(current)
    return found


def load_logged_network(trained: TrainedRun) -> "keras.Model":
    """Download and load the network that a run has logged."""
    from realfake.models.saving import load_network

    with TemporaryDirectory() as folder:
        return load_network(download_artifact(f"{trained.model_folder}/data/model.keras", Path(folder)))


def download_export(client: Any, trained: TrainedRun, name: str, folder: Path) -> Path | None:
    """Download an exported file by its name; return None where the run has no such file."""
    path = f"export/models/{name}"
    if not has_artifact(client, trained.stages["export"], path):
        return None
    return Path(client.download_artifacts(trained.stages["export"], path, str(folder)))


def read_formats(client: Any, trained: TrainedRun) -> Mapping[str, Quality]:
    """Return size and accuracy of the exported formats by name; empty where export has not run."""
    with _artifact(client, trained.stages["export"], f"export/{FORMATS_FILE}") as file:
        return ExportResults.read(file.parent).formats if file else {}


def read_test_predictions(client: Any, trained: TrainedRun) -> list[Prediction] | None:
    """Return the predictions for the test pictures that evaluate logged; None where evaluate has not run."""
    with _artifact(client, trained.stages["evaluate"], f"evaluate/{PREDICTIONS_FILE}") as file:
        return None if file is None else read_predictions(file.parent)


def read_training_fingerprints(client: Any, trained: TrainedRun) -> Fingerprints | None:
    """Return fingerprints of the pictures in train and val; None where the run does not have them."""
    with _artifact(client, trained.run_id, f"training/{SEEN_FILE}") as file:
        return None if file is None else read_fingerprints(file.parent, "dvc repro train")


@contextmanager
def _artifact(client: Any, run_id: str, path: str) -> Iterator[Path | None]:
    """Download an artifact for the time of the block; yield None where the run does not have it."""
    if not has_artifact(client, run_id, path):
        yield None
        return
    with TemporaryDirectory() as folder:
        yield Path(client.download_artifacts(run_id, path, folder))
