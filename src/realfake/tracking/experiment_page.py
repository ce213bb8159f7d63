"""What MLflow's page of an experiment shows: a description, and a view of its runs with the figures that matter.

MLflow keeps both in tags of the experiment. A fresh browser profile otherwise opens on an empty page about language
models, and lists runs without a figure or 186 charts in the order of the alphabet.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

from realfake.config.kinds import FormatName

HEADLINES = {
    "accuracy": "test/accuracy",
    "damaged": "test/robust/accuracy",
    "int8": "export/litert_int8/accuracy",
    "ROC-AUC": "test/roc_auc",
    "ECE": "test/ece",
}
"""The metrics that tell most of a network, the first the most, by their names in tables.

On the test pictures: accuracy as they are, damaged (JPEG, noise, blur ...), and of the int8 file; area under the ROC
curve; expected calibration error.
"""
NOTE = "mlflow.note.content"
"""MLflow's tag for the description of a run or an experiment, in Markdown."""
VIEW = "headlines"
"""The id of the view, in the page's address and in its tag."""
MODE = "workflowType=machine_learning"
"""The part of an address that opens a page in the mode for training; without it, a fresh profile has the other one."""
_VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
_COLUMNS = (
    *(f"metrics.`{metric}`" for metric in HEADLINES.values()),
    "metrics.`best/val_accuracy`",
    *(f"params.`train.{name}`" for name in ("backbone", "image_size", "weights", "unfreeze", "epochs")),
)
"""Columns of the table of runs, as MLflow's page names them."""
_OPEN, _CLOSED = ("Model metrics",), ("best", "calibration", "test", "test/class", "test/cleaned", "test/robust")
"""Sections of charts that follow the headlines; MLflow calls that of the curves over epochs "Model metrics"."""
_DESCRIPTION = """**Is a picture a photograph (REAL) or generated (FAKE)?** One run is one training.

`dvc repro` evaluates its network on the test pictures and exports it; both add their figures to the run. The runs of a
sweep hold its trials as child runs.

- `val_...`: validation pictures after an epoch; `best/...`: of the epoch that was kept
- `test/...`: test pictures; `test/cleaned/...`: without those that are in train too
- `test/robust/...`: damaged test pictures (JPEG, noise, blur ...)
- `export/FORMAT/...`: the exported file, run by its own runtime

*Views* above has **Headlines**: the figures that matter first. `make compare` prints them in the terminal, `make
promote` registers the best run's network.
"""


def runs_page(server: str, experiment_id: str) -> str:
    """Return the address of an experiment's runs, in the mode for training and with the columns of `VIEW`.

    Args:
        server: such as http://127.0.0.1:5000.
        experiment_id: MLflow's; where it is not known (empty), the address is that of the first page.
    """
    if not experiment_id:
        return server
    return f"{server}/#/experiments/{experiment_id}/runs?{MODE}&viewStateShareKey={VIEW}"


def furnish(client: Any, experiment: Any) -> None:
    """Give an experiment its description and its view of the runs, where it has none: a person's own stay.

    Args:
        client: of MLflow.
        experiment: MLflow's entity.
    """
    for key, text in ((NOTE, _DESCRIPTION), (_VIEW_TAG, _view(experiment.creation_time))):
        if key not in experiment.tags:
            client.set_experiment_tag(experiment.experiment_id, key, text)


def _view(created: int) -> str:
    """Return the view as MLflow's page keeps one that a person saves there, under *Views*.

    Args:
        created: when, in milliseconds since 1970.
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
    yield {"uuid": VIEW, "name": "Headlines", "display": True, "isReordered": True}
    formats = [f"export/{name}" for name in get_args(FormatName)]
    for name in (*_OPEN, *_CLOSED, "test/robust/ece", *formats):
        yield {"uuid": name, "name": name, "display": name in _OPEN, "isReordered": False, "isGenerated": True}


def _charts() -> Iterator[dict[str, Any]]:
    for metric in HEADLINES.values():
        chart = {"uuid": metric, "type": "BAR", "metricSectionId": VIEW, "metricKey": metric, "runsCountToCompare": 10}
        yield chart | {"isGenerated": False, "deleted": False}
