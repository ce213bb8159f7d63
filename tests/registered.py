"""Finished trainings in a real MLflow store, as train, evaluate and export leave them, but for the network itself."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from realfake.config.schema import Params, load_params
from realfake.core.json_files import write_json
from realfake.tracking.store import as_metrics, create_run

DATA = "d" * 64
"""Digest of what the `prepared` fixture prepared."""


def open_gate(project: Path, **values: Any) -> Params:
    """Set values of the `promote` group, with limits that anything passes unless given; the params."""
    file = project / "params.yaml"
    document = yaml.safe_load(file.read_text())
    document["promote"] |= {"limits": {"test/accuracy": {"min": 0.5}}, "max_accuracy_loss": 0.1, **values}
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_params(file)


def answers(labels: np.ndarray, wrong: int) -> np.ndarray:
    """P(REAL) that is right for all pictures but the first `wrong` ones."""
    right = np.where(labels == 1, 0.9, 0.1)
    right[:wrong] = 1 - right[:wrong]
    return right


def trained(
    client: Any,
    prepared: Path,
    name: str,
    val: float = 0.9,
    wrong: int = 0,
    **more: Any,
) -> str:
    """A finished training whose network calls all but the first `wrong` test pictures rightly; the run's id.

    `more` may give `data` (its digest), `params` and `figures` over the usual ones, and `exported` (False: it was not).
    """
    labels = np.load(prepared / "test_labels.npy")
    named = {
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
    run_id = create_run(client, "realfake", name, named, tags).run_id
    accuracy = 1 - wrong / len(labels)
    logged = {"best/val_accuracy": val, "best/val_loss": 1 - val, "test/accuracy": accuracy, **more.get("figures", {})}
    client.log_batch(run_id, metrics=as_metrics(logged, step=0))
    folder = prepared.parent / f"of-{name}"
    (folder / "evaluate").mkdir(parents=True)
    with (folder / "evaluate/predictions.csv").open("w") as file:
        rows = [
            (f"{i}.jpg", int(label), p) for i, (label, p) in enumerate(zip(labels, answers(labels, wrong), strict=True))
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
