"""Create finished training runs in a real MLflow store, as the stages do, but without a network file."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from realfake.config.schema import Params, load_params
from realfake.core.json_files import write_json
from realfake.tracking.store import as_metrics, create_run

DATA = "d" * 64
"""Digest of the pictures of the `prepared` fixture."""


def open_gate(project: Path, **values: Any) -> Params:
    """Set values of the group promote, by default with limits that every run passes; return all parameters."""
    file = project / "params.yaml"
    document = yaml.safe_load(file.read_text())
    document["promote"] |= {"limits": {"test/accuracy": {"min": 0.5}}, "max_accuracy_loss": 0.1, **values}
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_params(file)


def predictions(labels: np.ndarray, wrong: int) -> np.ndarray:
    """Return P(REAL) of each picture, which is wrong for the first `wrong` pictures."""
    values = np.where(labels == 1, 0.9, 0.1)
    values[:wrong] = 1 - values[:wrong]
    return values


def trained(
    client: Any,
    prepared: Path,
    name: str,
    val: float = 0.9,
    wrong: int = 0,
    **more: Any,
) -> str:
    """Create a finished training run whose predictions are wrong for the first `wrong` test pictures; return its id.

    `more` may have `data` (digest of the pictures), `params` and `metrics` that override the usual ones, and `exported`
    (False: the run has no exported files).
    """
    labels = np.load(prepared / "test_labels.npy")
    params = {
        "preprocess.size": "32",
        "evaluate.threshold": "0.5",
        "train.weights_sha256": "None",
        **more.get("params", {}),
    }
    tags = {
        "data_digest": more.get("data", DATA),
        "model_logged": "true",
        "git_commit": "c" * 40,
        "model_sha256": name.ljust(64, "0"),
    }
    run_id = create_run(client, "realfake", name, params, tags).run_id
    accuracy = 1 - wrong / len(labels)
    logged = {"best/val_accuracy": val, "best/val_loss": 1 - val, "test/accuracy": accuracy, **more.get("metrics", {})}
    client.log_batch(run_id, metrics=as_metrics(logged, step=0))
    folder = prepared.parent / f"of-{name}"
    (folder / "evaluate").mkdir(parents=True)
    with (folder / "evaluate/predictions.csv").open("w") as file:
        rows = [
            (f"{i}.jpg", int(label), p)
            for i, (label, p) in enumerate(zip(labels, predictions(labels, wrong), strict=True))
        ]
        csv.writer(file).writerows([("name", "label", "probability"), *rows])
    if more.get("exported", True):
        formats = {"litert_int8": {"bytes": 1000, "accuracy": accuracy, "agreement": 1.0, "max_difference": 0.0}}
        write_json(folder / "export/formats.json", {"pictures": len(labels), "formats": formats})
    client.log_artifacts(run_id, str(folder))
    place = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(place, name="model", source_run_id=run_id)
    client.finalize_logged_model(model.model_id, "READY")
    client.set_terminated(run_id)
    return run_id
