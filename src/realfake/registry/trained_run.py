"""What a finished training run holds: its figures, its network, its exported files, what it learnt from."""

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

HIGHEST = {"val_accuracy": True, "val_auc": True, "val_loss": False}
"""Whether more is better, by the names of `promote.metric`."""


@dataclass(frozen=True)
class TrainedRun:
    """A training run with what evaluate and export added, to it or to child runs."""

    run_id: str
    name: str
    model_id: str
    """Of the network that MLflow keeps."""
    model_folder: str
    """Address of its files."""
    params: Mapping[str, str]
    tags: Mapping[str, str]
    figures: Mapping[str, float]
    stages: Mapping[str, str]
    """The run that holds the artifacts of `evaluate` and of `export`."""

    @property
    def data(self) -> dict[str, str]:
        """What the network learnt from: content digest and how the pictures were prepared."""
        prepared = {name: value for name, value in self.params.items() if name.startswith("preprocess.")}
        return {"digest": self.tags.get("data_digest", ""), **prepared}

    @property
    def threshold(self) -> float:
        """P(REAL) from which on this network calls a picture REAL."""
        return float(self.params.get("evaluate.threshold", "0.5"))


@dataclass(frozen=True)
class Shipped:
    """The network that comes with the project; no run of this store trained it."""

    seen: Fingerprints


Ancestor = TrainedRun | Shipped | None
"""What a training started from; None: not known."""


def data_of(report: PreparationReport) -> dict[str, str]:
    """What `TrainedRun.data` says of a run on the prepared pictures that this report describes."""
    prepared = {f"preprocess.{name}": str(value) for name, value in report.params.items()}
    return {"digest": report.digest, **prepared}


def read_trained_run(client: Any, run: Any) -> TrainedRun:
    """Gather what a training run and its children hold.

    Raises:
        UserError: it is no finished training with a network.
    """
    place, run_id = [run.info.experiment_id], run.info.run_id
    logged = client.search_logged_models(place, f"source_run_id = '{run_id}'")
    if not logged or run.info.status != "FINISHED":
        raise UserError(f"run {run.info.run_name} holds no network of a finished training; give the run of one (--run)")
    children = {
        child.info.run_id: child for child in client.search_runs(place, f"tags.`mlflow.parentRunId` = '{run_id}'")
    }
    params, figures, stages = (
        dict(run.data.params),
        dict(run.data.metrics),
        dict.fromkeys(("evaluate", "export"), run_id),
    )
    for stage in stages:
        last = children.get(run.data.tags.get(f"last_{stage}", ""))
        if last is not None:
            params |= last.data.params
            figures |= last.data.metrics
            stages[stage] = last.info.run_id
    place_of = (logged[0].model_id, logged[0].artifact_location)
    return TrainedRun(run_id, run.info.run_name, *place_of, params, dict(run.data.tags), figures, stages)


def find_run(client: Any, experiment: str, wanted: str) -> Any:
    """The run of an id, or the newest of a name.

    Raises:
        UserError: there is none.
    """
    place = client.get_experiment_by_name(experiment).experiment_id
    for condition in (f"attributes.run_id = '{wanted}'", f"attributes.run_name = '{wanted}'"):
        if found := client.search_runs([place], condition) if "'" not in wanted else []:
            return found[0]
    raise UserError(f"no run {wanted} in experiment {experiment}; `make ui` shows their names and ids")


def candidates(client: Any, experiment: str, metric: str, data: Mapping[str, str]) -> tuple[list[Any], int]:
    """Finished trainings on the same pictures, the best on val first; and how many learnt from others.

    Figures on val say something about each other only on the same val.
    """
    place = client.get_experiment_by_name(experiment).experiment_id
    finished = "attributes.status = 'FINISHED' AND tags.model_logged = 'true'"
    runs = [
        run for run in client.search_runs([place], finished, max_results=10_000) if f"best/{metric}" in run.data.metrics
    ]
    comparable = [run for run in runs if _same_data(run, data)]
    comparable.sort(key=lambda run: run.data.metrics[f"best/{metric}"], reverse=HIGHEST[metric])
    return comparable, len(runs) - len(comparable)


def _same_data(run: Any, data: Mapping[str, str]) -> bool:
    digest, prepared = run.data.tags.get("data_digest"), {**data}
    return digest == prepared.pop("digest") and all(
        run.data.params.get(name) == value for name, value in prepared.items()
    )


def ancestors(client: Any, trained: TrainedRun) -> list[Ancestor]:
    """Trainings whose networks this one started from, one after the other; None ends it where one is not known.

    A backbone's own weights (imagenet, .h5) are no training of this project.
    """
    found: list[Ancestor] = []
    current = trained
    while pretrained.weights_file(current.params.get("train.weights", "none")).suffix == ".keras":
        digest = current.params.get("train.weights_sha256", "")
        if pretrained.is_shipped(home(), digest):
            return [*found, Shipped(pretrained.training_fingerprints(home()))]
        places = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(places, f"tags.model_sha256 = '{digest}'", max_results=1)
        if not runs or runs[0].info.run_id in {
            trained.run_id,
            *(one.run_id for one in found if isinstance(one, TrainedRun)),
        }:
            return [*found, None]
        current = read_trained_run(client, runs[0])
        found.append(current)
    return found


def network_of(trained: TrainedRun) -> "keras.Model":
    """The network that a run logged."""
    from realfake.models.saving import load_network

    with TemporaryDirectory() as folder:
        return load_network(download_artifact(f"{trained.model_folder}/data/model.keras", Path(folder)))


def exported_file(client: Any, trained: TrainedRun, name: str, folder: Path) -> Path | None:
    """A file that export wrote, by its file name; None where there is none of that name."""
    path = f"export/models/{name}"
    if not has_artifact(client, trained.stages["export"], path):
        return None
    return Path(client.download_artifacts(trained.stages["export"], path, str(folder)))


def formats_of(client: Any, trained: TrainedRun) -> Mapping[str, Quality]:
    """What export found, by format; empty where it has not run."""
    with _artifact(client, trained.stages["export"], f"export/{FORMATS_FILE}") as file:
        return ExportResults.read(file.parent).formats if file else {}


def predictions_of(client: Any, trained: TrainedRun) -> list[Prediction] | None:
    """What the network answered for each test picture, as evaluate wrote it; None where it has not run."""
    with _artifact(client, trained.stages["evaluate"], f"evaluate/{PREDICTIONS_FILE}") as file:
        return None if file is None else read_predictions(file.parent)


def seen_by(client: Any, trained: TrainedRun) -> Fingerprints | None:
    """Fingerprints of the pictures in train and val; None where the run does not have them."""
    with _artifact(client, trained.run_id, f"training/{SEEN_FILE}") as file:
        return None if file is None else read_fingerprints(file.parent, "dvc repro train")


@contextmanager
def _artifact(client: Any, run_id: str, path: str) -> Iterator[Path | None]:
    if not has_artifact(client, run_id, path):
        yield None
        return
    with TemporaryDirectory() as folder:
        yield Path(client.download_artifacts(run_id, path, folder))
