"""Write the description on a run's MLflow page: headline metrics, recipe, data and links, as Markdown.

Every stage that logs renews it. A description that a person has written or edited is kept: one that the stages wrote
ends with its own digest, in a line that the page does not show.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from realfake.tracking.experiment_page import DESCRIPTION_TAG, HEADLINE_METRICS, TRAINING_MODE, runs_page
from realfake.training.training_record import TrainingRecord

_SIGNATURE = "\n\n[//]: # (renewed by each stage until it is edited: "
_RECIPE = (
    ("train.image_size", "{} px"),
    ("train.weights", "weights {}"),
    ("train.unfreeze", "last layers trained: {}"),
    ("train.epochs", "{} epochs"),
    ("train.batch_size", "batches of {}"),
    ("train.optimizer.name", "{}"),
    ("train.optimizer.learning_rate", "learning rate {}"),
    ("train.dropout", "dropout {}"),
    ("train.augmentation.strength", "augmentation {}"),
    ("train.augmentation.corruption", "damaged views {}"),
    ("train.precision", "{}"),
    ("train.seed", "seed {}"),
)
"""The most important parameters of a training, with the text around their values."""


def describe_run(client: Any, run_id: str, record: TrainingRecord) -> None:
    """Write a run's description from its present metrics, params and tags; one that a person edited is kept.

    Args:
        client: an MLflow client.
        run_id: the run of a training, or a child run of evaluate or export.
        record: the record of the training.
    """
    run = client.get_run(run_id)
    written = run.data.tags.get(DESCRIPTION_TAG, "")
    text, signature, _ = written.rpartition(_SIGNATURE)
    if not written or (signature and written == _signed(text)):
        client.set_tag(run_id, DESCRIPTION_TAG, _signed("\n".join(_lines(run, record))))


def _signed(text: str) -> str:
    """Return a description with its digest, which shows later whether anyone has edited it."""
    return f"{text}{_SIGNATURE}{hashlib.sha256(text.encode()).hexdigest()[:12]})"


def _lines(run: Any, record: TrainingRecord) -> Iterator[str]:
    """Yield the lines of the description."""
    params, best = record.params, record.best
    metrics = [*_headline_metrics(run.data.metrics), f"val accuracy {best.val_accuracy:.2%} in epoch {best.epoch}"]
    yield f"- **Metrics**: {'; '.join(metrics)}"
    yield f"- **Links**: {', '.join(_links(run))}"
    recipe = [text.format(params[name]) for name, text in _RECIPE if name in params]
    yield f"- **Recipe**: {', '.join((record.name, *recipe))}"
    counts = [f"{split} {sum(classes.values()):,}" for split, classes in record.pictures.items()]
    yield f"- **Data**: {', '.join(counts)} pictures; digest `{record.data_digest[:12]}`"


def _headline_metrics(metrics: Mapping[str, float]) -> Iterator[str]:
    """Yield the headline metrics that a run has, the accuracy in bold, with their 95 % intervals where it has them."""
    for name, metric in HEADLINE_METRICS.items():
        if metric not in metrics:
            continue
        style = ".4f" if name == "ROC-AUC" else ".2%"
        value = f"{metrics[metric]:{style}}"
        low, high = (metrics.get(f"{metric}_ci_{end}") for end in ("low", "high"))
        interval = "" if low is None or high is None else f" ({low:{style}} to {high:{style}})"
        yield f"{name} **{value}**{interval}" if name == "accuracy" else f"{name} {value}{interval}"


def _links(run: Any) -> Iterator[str]:
    """Yield links within MLflow's pages, and the commit."""
    tags, run_id = run.data.tags, run.info.run_id
    training_id = tags.get("mlflow.parentRunId", run_id)

    def link(text: str, target: str, path: str = "") -> str:
        return f"[{text}](#/experiments/{run.info.experiment_id}/runs/{target}{path}?{TRAINING_MODE})"

    if training_id != run_id:
        yield link("training", training_id)
    yield link("learning curves", training_id, "/artifacts/figures/learning_curves.png")
    stages = {"evaluate": ("test figures", "evaluate/figures"), "export": ("model card", "export/model_card.md")}
    for stage, (text, path) in stages.items():
        if any(param.startswith(f"{stage}.") for param in run.data.params):
            yield link(text, run_id, f"/artifacts/{path}")
    yield f"[all runs]({runs_page('', run.info.experiment_id).removeprefix('/')})"
    commit = tags.get("git_commit", "none")
    if commit != "none":
        dirty = tags.get("git_dirty") == "true"
        yield f"commit `{commit[:9]}`" + (
            f" with {link('uncommitted changes', training_id, '/artifacts/lineage')}" if dirty else ""
        )
