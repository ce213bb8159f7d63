"""Set up MLflow's page of an experiment: its description, and a view of its runs with the headline metrics.

MLflow keeps both in tags of the experiment. Without them a fresh browser profile opens on an empty page for language
models, and lists runs without metrics or 186 charts in alphabetical order.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

from realfake.config.kinds import FormatName

HEADLINE_METRICS = {
    "accuracy": "test/accuracy",
    "damaged": "test/robust/accuracy",
    "int8": "export/litert_int8/accuracy",
    "ROC-AUC": "test/roc_auc",
    "ECE": "test/ece",
}
"""MLflow's names of the most important test metrics, by their names in tables; the most important one comes first.

Accuracy on the test pictures, accuracy on damaged ones (JPEG, noise, blur ...), accuracy of the int8 file, area under
the ROC curve, expected calibration error.
"""
DESCRIPTION_TAG = "mlflow.note.content"
"""MLflow's tag that holds the description of a run or an experiment, in Markdown."""
VIEW_ID = "headlines"
"""The id of the view in the page's address and in the name of its tag."""
TRAINING_MODE = "workflowType=machine_learning"
"""Query of an address that opens MLflow's pages for model training; a fresh profile shows those for LLMs otherwise."""
_VIEW_TAG = f"mlflow.sharedViewState.{VIEW_ID}"
_COLUMNS = (
    *(f"metrics.`{metric}`" for metric in HEADLINE_METRICS.values()),
    "metrics.`best/val_accuracy`",
    *(f"params.`train.{name}`" for name in ("backbone", "image_size", "weights", "unfreeze", "epochs")),
)
"""Columns of the table of runs, as MLflow's page identifies them."""
_EXPANDED_SECTIONS = ("Model metrics",)
"""Sections of charts that are open at first: MLflow's name for the one with the curves over epochs."""
_COLLAPSED_SECTIONS = ("best", "calibration", "test", "test/class", "test/cleaned", "test/robust")
"""Sections of charts that are folded at first, named by the part of a metric's name before its last slash."""
_DESCRIPTION = """**Is a picture a photograph (REAL) or generated (FAKE)?** One run is one training.

`dvc repro` evaluates its network on the test pictures and exports it; both stages add their metrics to the run. The
run of a hyperparameter search holds its trials as child runs.

- `val_...`: on the validation pictures after each epoch; `best/...`: of the epoch that was kept
- `test/...`: on the test pictures; `test/cleaned/...`: without those that are also in train
- `test/robust/...`: on damaged test pictures (JPEG, noise, blur ...)
- `export/FORMAT/...`: of the exported file, run by its own runtime

*Views* above has **Headlines**: the most important metrics first. `make compare` prints them in the terminal, `make
promote` registers the network of the best run.
"""


def runs_page(server: str, experiment_id: str) -> str:
    """Return the address of the page of an experiment's runs, for model training and with the columns of the view.

    Args:
        server: its address, such as http://127.0.0.1:5000.
        experiment_id: MLflow's id of the experiment; empty if unknown, which gives the address of MLflow's first page.
    """
    if not experiment_id:
        return server
    return f"{server}/#/experiments/{experiment_id}/runs?{TRAINING_MODE}&viewStateShareKey={VIEW_ID}"


def set_up_page(client: Any, experiment: Any) -> None:
    """Give an experiment its description and its view of the runs; those that a person has edited are kept.

    Args:
        client: an MLflow client.
        experiment: the MLflow experiment.
    """
    for key, text in ((DESCRIPTION_TAG, _DESCRIPTION), (_VIEW_TAG, _view(experiment.creation_time))):
        if key not in experiment.tags:
            client.set_experiment_tag(experiment.experiment_id, key, text)


def _view(created: int) -> str:
    """Return the view as JSON, in the format in which MLflow's page saves one under *Views*.

    Args:
        created: its creation time in milliseconds since 1970.
    """
    state = {
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": _COLUMNS,
        "columnOrder": _COLUMNS,
        "columnWidths": {name: 185 if "int8" in name else 150 if "metrics" in name else 125 for name in _COLUMNS},
        "compareRunSections": list(_sections()),
        "compareRunCharts": list(_charts()),
        "isAccordionReordered": True,
    }
    envelope = {"name": "Headlines", "createdAt": created, "updatedAt": created, "state": json.dumps(state)}
    return json.dumps(envelope)


def _sections() -> Iterator[dict[str, Any]]:
    """Yield the sections of charts: the headline metrics first, then the curves, then all others folded."""
    yield {"uuid": VIEW_ID, "name": "Headlines", "display": True, "isReordered": True}
    formats = [f"export/{name}" for name in get_args(FormatName)]
    for name in (*_EXPANDED_SECTIONS, *_COLLAPSED_SECTIONS, "test/robust/ece", *formats):
        section = {"uuid": name, "name": name, "display": name in _EXPANDED_SECTIONS}
        yield section | {"isReordered": False, "isGenerated": True}


def _charts() -> Iterator[dict[str, Any]]:
    """Yield a bar chart of each headline metric, over the ten newest runs."""
    for metric in HEADLINE_METRICS.values():
        chart = {"uuid": metric, "type": "BAR", "metricSectionId": VIEW_ID, "metricKey": metric}
        yield chart | {"runsCountToCompare": 10, "isGenerated": False, "deleted": False}
