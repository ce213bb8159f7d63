"""The description of a run on its MLflow page: headline figures, recipe, data and links, as Markdown.

Every stage that logs renews it. What a person has written or edited stays: a description that the stages wrote ends
with its own digest, in a line that the page does not show.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from realfake.tracking.experiment_page import HEADLINES, MODE, NOTE, runs_page
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
"""Parameters that tell most of a training, with the words around their values."""


def describe_run(client: Any, run_id: str, record: TrainingRecord) -> None:
    """Write a run's description from what it holds by now; one that a person wrote or edited stays.

    Args:
        client: of MLflow.
        run_id: the run of a training, or a child run of evaluate or export.
        record: of the training.
    """
    run = client.get_run(run_id)
    written = run.data.tags.get(NOTE, "")
    text, signature, _ = written.rpartition(_SIGNATURE)
    if not written or (signature and written == _signed(text)):
        client.set_tag(run_id, NOTE, _signed("\n".join(_lines(run, record))))


def _signed(text: str) -> str:
    return f"{text}{_SIGNATURE}{hashlib.sha256(text.encode()).hexdigest()[:12]})"


def _lines(run: Any, record: TrainingRecord) -> Iterator[str]:
    params, best = record.params, record.best
    figures = [*_figures(run.data.metrics), f"val accuracy {best.val_accuracy:.2%} in epoch {best.epoch}"]
    yield f"- **Figures**: {'; '.join(figures)}"
    yield f"- **Links**: {', '.join(_links(run))}"
    recipe = [words.format(params[name]) for name, words in _RECIPE if name in params]
    yield f"- **Recipe**: {', '.join((record.name, *recipe))}"
    counts = [f"{split} {sum(classes.values()):,}" for split, classes in record.pictures.items()]
    yield f"- **Data**: {', '.join(counts)} pictures; digest `{record.data_digest[:12]}`"


def _figures(metrics: Mapping[str, float]) -> Iterator[str]:
    """Yield the headline figures that a run has, the accuracy in bold, with their 95 % intervals where it has them."""
    for name, metric in HEADLINES.items():
        if metric not in metrics:
            continue
        style = ".4f" if name == "ROC-AUC" else ".2%"
        value = f"{metrics[metric]:{style}}"
        low, high = (metrics.get(f"{metric}_ci_{end}") for end in ("low", "high"))
        interval = "" if low is None or high is None else f" ({low:{style}} to {high:{style}})"
        yield f"{name} **{value}**{interval}" if name == "accuracy" else f"{name} {value}{interval}"


def _links(run: Any) -> Iterator[str]:
    """Yield links within MLflow's pages, and the commit."""
    tags, own = run.data.tags, run.info.run_id
    training = tags.get("mlflow.parentRunId", own)

    def link(words: str, run_id: str, path: str = "") -> str:
        return f"[{words}](#/experiments/{run.info.experiment_id}/runs/{run_id}{path}?{MODE})"

    if training != own:
        yield link("training", training)
    yield link("learning curves", training, "/artifacts/figures/learning_curves.png")
    stages = {"evaluate": ("test figures", "evaluate/figures"), "export": ("model card", "export/model_card.md")}
    for stage, (words, path) in stages.items():
        if any(param.startswith(f"{stage}.") for param in run.data.params):
            yield link(words, own, f"/artifacts/{path}")
    yield f"[all runs]({runs_page('', run.info.experiment_id).removeprefix('/')})"
    commit = tags.get("git_commit", "none")
    if commit != "none":
        changed = tags.get("git_dirty") == "true"
        yield f"commit `{commit[:9]}`" + (f" with {link('changes', training, '/artifacts/lineage')}" if changed else "")
