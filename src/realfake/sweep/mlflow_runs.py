"""Log a sweep to MLflow: one parent run for the study, and a child run for each trial."""

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

PARENT_WAIT_SECONDS = 20.0
"""Seconds to wait for the machine that created the study to create its parent run."""
STATUS = {"completed": "FINISHED", "pruned": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
"""MLflow's status of a run, by the state of its trial."""


class SweepRuns:
    """Write the MLflow runs of one study."""

    def __init__(self, client: Any, experiment: str, parent: str, tags: Mapping[str, str]) -> None:
        self.client, self._experiment, self.parent, self._tags = client, experiment, parent, tags

    def begin_trial(self, trial: "Trial", train: TrainParams, values: Mapping[str, Any]) -> str:
        """Create the run of a trial, with all parameters of its training, and return the run's id."""
        flat = flatten(with_values(train, values))
        params = {f"train.{name}": value for name, value in flat.items() if name not in FINISHING}
        tags = {"mlflow.parentRunId": self.parent, "trial": str(trial.number), **self._tags}
        if "retry_of" in trial.user_attrs:
            tags["retry_of"] = str(trial.user_attrs["retry_of"])
        link = create_run(self.client, self._experiment, f"trial-{trial.number}", params, tags)
        trial.set_user_attr("mlflow_run", link.run_id)
        return link.run_id

    def log_epoch(self, run: str, values: Mapping[str, Any]) -> None:
        """Log the metrics of one epoch; `values` also holds its number, `epoch`."""
        metrics = {name: value for name, value in values.items() if name != "epoch"}
        self.client.log_batch(run, metrics=as_metrics(metrics, step=values["epoch"]))

    def end_trial(
        self, run: str | None, state: str, seconds: float, value: float | None = None, reason: str = ""
    ) -> None:
        """Close the run of a trial; do nothing where it has none.

        Args:
            run: id of the run, or None.
            state: a key of STATUS.
            seconds: duration of the trial.
            value: the trial's objective value; None unless it was completed.
            reason: why the trial was not completed.
        """
        if run is None:
            return
        self.client.set_tag(run, "trial_state", state)
        if reason:
            self.client.set_tag(run, "reason", reason)
        metrics = {"trial_seconds": seconds} | ({} if value is None else {"objective": value})
        self.client.log_batch(run, metrics=as_metrics(metrics, step=0))
        self.client.set_terminated(run, STATUS[state])

    def keep_model(self, run: str, file: Path) -> None:
        """Log the network of a trial to its run, and tag the run as the best one."""
        self.client.log_artifact(run, str(file), "model")
        self.client.set_tag(run, "best", "true")

    def keep_only_best(self, sweep: Sweep) -> None:
        """Delete the networks of finished trials that are not the best one (any more)."""
        trials, best = sweep.study.get_trials(deepcopy=False), sweep.study.best_trial.number
        for run in self._children("tags.best = 'true'"):
            number = int(run.data.tags["trial"])
            if number != best and trials[number].state.is_finished():
                delete_artifacts(self.client, run.info.run_id, "model")
                self.client.delete_tag(run.info.run_id, "best")

    def _children(self, condition: str) -> list[Any]:
        """Return the runs of the study's trials that match a filter of MLflow's search."""
        experiment = self.client.get_experiment_by_name(self._experiment)
        of_study = f"tags.`mlflow.parentRunId` = '{self.parent}' AND {condition}"
        return list(self.client.search_runs([experiment.experiment_id], of_study))

    def close_lost(self, sweep: Sweep) -> None:
        """Close the runs of trials whose workers died, and the parent run if no trial is running."""
        trials = sweep.study.get_trials(deepcopy=False)
        states = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "interrupted"}
        for run in self._children("attributes.status = 'RUNNING'"):
            trial = trials[int(run.data.tags["trial"])]
            if trial.state.is_finished():
                seconds = trial.duration.total_seconds() if trial.duration else 0.0
                value, reason = (trial.value, "") if trial.state.name == "COMPLETE" else (None, _reason(trial))
                self.end_trial(run.info.run_id, states[trial.state.name], seconds, value, reason)
        if not sweep.counts().running:
            self.client.set_terminated(self.parent, "KILLED")

    def finish(self, metrics: Mapping[str, float], sweep: Sweep, best: Mapping[str, Any], folder: Path) -> None:
        """Log the results to the parent run and close it.

        Args:
            metrics: metrics of the study by name.
            sweep: the study.
            best: parameters of the best trial, logged as tags.
            folder: folder whose files become artifacts under `sweep`.
        """
        self.client.log_batch(self.parent, metrics=as_metrics(metrics, step=0))
        self.keep_only_best(sweep)
        run = sweep.study.best_trial.user_attrs["mlflow_run"]
        for name, value in {"best_run": run, **{f"best.{key}": value for key, value in best.items()}}.items():
            self.client.set_tag(self.parent, name, str(value))
        self.client.log_artifacts(self.parent, str(folder), artifact_path="sweep")
        self.client.set_terminated(self.parent)


def _reason(trial: "FrozenTrial") -> str:
    return str(trial.user_attrs.get("reason", ""))


def _wait_for_parent(sweep: Sweep) -> None:
    """Wait until the machine that created the study has created its parent run too, so that there is only one.

    After PARENT_WAIT_SECONDS that machine is assumed to have died, and the caller creates the run.
    """
    deadline = time.monotonic() + PARENT_WAIT_SECONDS
    while sweep.shared and not sweep.created_here and "mlflow_run" not in sweep.study.user_attrs:
        if time.monotonic() > deadline:
            return
        time.sleep(0.2)


@contextmanager
def sweep_runs(
    experiment: str, sweep: Sweep, params: Mapping[str, Any], data_digest: str, code: Mapping[str, str]
) -> Iterator[SweepRuns]:
    """Open the runs of a study: create the parent run, or find the one that another worker has created.

    Args:
        experiment: name of the MLflow experiment.
        sweep: the study, already begun.
        params: params of the parent run, used if it is created.
        data_digest: digest of the prepared pictures, a tag of every run.
        code: tags with the commit; they are passed in because a node of a cluster has no checkout.
    """
    _wait_for_parent(sweep)
    tags = {"data_digest": data_digest.partition(" ")[0], **code, **machine_tags()}
    with open_store(experiment) as client:
        with sweep.locked():
            parent = sweep.study.user_attrs.get("mlflow_run")
            if parent is None or not run_exists(client, parent):
                parent_tags = tags | {"sweep": sweep.name}
                parent = create_run(client, experiment, sweep.name, params, parent_tags).run_id
                sweep.study.set_user_attr("mlflow_run", parent)
        client.update_run(parent, status="RUNNING")
        yield SweepRuns(client, experiment, parent, tags)
