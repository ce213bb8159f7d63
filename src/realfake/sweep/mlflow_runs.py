"""A sweep in MLflow: one parent run for the study, a child for each trial."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.config.schema import FINISHING, TrainParams, flatten, with_values
from realfake.core.environment import machine_tags
from realfake.sweep.study import Sweep
from realfake.tracking.store import as_metrics, create_run, delete_artifacts, open_store, run_exists

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

PATIENCE = 20.0
"""Seconds that a machine has to make the parent run of the study that it made."""
STATUS = {"completed": "FINISHED", "pruned": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


class SweepRuns:
    """The runs of one study."""

    def __init__(self, client: Any, experiment: str, parent: str, tags: Mapping[str, str]) -> None:
        self.client, self._experiment, self.parent, self._tags = client, experiment, parent, tags

    def begin(self, trial: "Trial", train: TrainParams, values: Mapping[str, Any]) -> str:
        """Open a trial's run, with all parameters of its training; returns the run's id."""
        every = flatten(with_values(train, values))
        named = {f"train.{name}": value for name, value in every.items() if name not in FINISHING}
        tags = {"mlflow.parentRunId": self.parent, "trial": str(trial.number), **self._tags}
        if "retry_of" in trial.user_attrs:
            tags["retry_of"] = str(trial.user_attrs["retry_of"])
        link = create_run(self.client, self._experiment, f"trial-{trial.number}", named, tags)
        trial.set_user_attr("mlflow_run", link.run_id)
        return link.run_id

    def epoch(self, run: str, values: Mapping[str, Any]) -> None:
        """Log one epoch's figures."""
        figures = {name: value for name, value in values.items() if name != "epoch"}
        self.client.log_batch(run, metrics=as_metrics(figures, step=values["epoch"]))

    def end(self, run: str | None, state: str, seconds: float, value: float | None = None, reason: str = "") -> None:
        """Close a trial's run; `reason` says why it came to nothing."""
        if run is None:
            return
        self.client.set_tag(run, "trial_state", state)
        if reason:
            self.client.set_tag(run, "reason", reason)
        figures = {"trial_seconds": seconds} | ({} if value is None else {"objective": value})
        self.client.log_batch(run, metrics=as_metrics(figures, step=0))
        self.client.set_terminated(run, STATUS[state])

    def keep_model(self, run: str, file: Path) -> None:
        """Keep the network of a trial's run."""
        self.client.log_artifact(run, str(file), "model")
        self.client.set_tag(run, "best", "true")

    def keep_only_best(self, sweep: Sweep) -> None:
        """Remove the networks of finished trials that are not the best, or no longer."""
        trials, best = sweep.study.get_trials(deepcopy=False), sweep.study.best_trial.number
        for run in self._children("tags.best = 'true'"):
            number = int(run.data.tags["trial"])
            if number != best and trials[number].state.is_finished():
                delete_artifacts(self.client, run.info.run_id, "model")
                self.client.delete_tag(run.info.run_id, "best")

    def _children(self, which: str) -> list[Any]:
        found = self.client.get_experiment_by_name(self._experiment)
        of_study = f"tags.`mlflow.parentRunId` = '{self.parent}' AND {which}"
        return list(self.client.search_runs([found.experiment_id], of_study))

    def bury(self, sweep: Sweep) -> None:
        """Close the runs of trials whose workers died, and the study's own when nobody works on it."""
        trials = sweep.study.get_trials(deepcopy=False)
        states = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "interrupted"}
        for run in self._children("attributes.status = 'RUNNING'"):
            trial = trials[int(run.data.tags["trial"])]
            if trial.state.is_finished():
                seconds = trial.duration.total_seconds() if trial.duration else 0.0
                value, reason = (trial.value, "") if trial.state.name == "COMPLETE" else (None, _reason(trial))
                self.end(run.info.run_id, states[trial.state.name], seconds, value, reason)
        if not sweep.counts().running:
            self.client.set_terminated(self.parent, "KILLED")

    def finish(self, figures: Mapping[str, float], sweep: Sweep, best: Mapping[str, Any], folder: Path) -> None:
        """Give the parent the study's figures, the best trial's values as tags, and files as artifacts."""
        self.client.log_batch(self.parent, metrics=as_metrics(figures, step=0))
        self.keep_only_best(sweep)
        run = sweep.study.best_trial.user_attrs["mlflow_run"]
        for name, value in {"best_run": run, **{f"best.{key}": value for key, value in best.items()}}.items():
            self.client.set_tag(self.parent, name, str(value))
        self.client.log_artifacts(self.parent, str(folder), artifact_path="sweep")
        self.client.set_terminated(self.parent)


def _reason(trial: "FrozenTrial") -> str:
    return str(trial.user_attrs.get("reason", ""))


def _await_maker(sweep: Sweep) -> None:
    """Let the machine that made the study make its parent run too, so that there is one; unless it died over it."""
    end = time.monotonic() + PATIENCE
    while sweep.shared and not sweep.made_here and "mlflow_run" not in sweep.study.user_attrs:
        if time.monotonic() > end:
            return
        time.sleep(0.2)


@contextmanager
def sweep_runs(
    experiment: str, sweep: Sweep, params: Mapping[str, Any], data_digest: str, code: Mapping[str, str]
) -> Iterator[SweepRuns]:
    """The study's runs in an experiment; the parent is made once, and found again by whoever joins the study.

    Args:
        experiment: of MLflow.
        sweep: the study, begun.
        params: of the parent, where it must be made.
        data_digest: tag of every run.
        code: tags that tell the commit; given, because a node of a cluster has no checkout.
    """
    _await_maker(sweep)
    tags = {"data_digest": data_digest.partition(" ")[0], **code, **machine_tags()}
    with open_store(experiment) as client:
        with sweep.alone():
            parent = sweep.study.user_attrs.get("mlflow_run")
            if parent is None or not run_exists(client, parent):
                named = tags | {"sweep": sweep.name}
                parent = create_run(client, experiment, sweep.name, params, named).run_id
                sweep.study.set_user_attr("mlflow_run", parent)
        client.update_run(parent, status="RUNNING")
        yield SweepRuns(client, experiment, parent, tags)
