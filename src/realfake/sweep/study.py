"""Share a study between workers: claim its trials, count them, and retry those whose worker died.

The trials are kept in an Optuna storage (storage.py), so a study outlives its workers.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from realfake.config.schema import FINISHING, TrainParams, flatten
from realfake.config.tool_schema import TuneParams
from realfake.core.errors import UserError
from realfake.core.files import state_folder
from realfake.sweep.heartbeat import WorkerMonitor
from realfake.sweep.storage import open_storage
from realfake.sweep.trials import make_pruner, make_sampler, study_direction

if TYPE_CHECKING:
    from optuna import Study, Trial

FOLDER = "sweeps"
"""Folder in .cache/ with a folder for each study of this checkout, and the name of the study started last."""
RETRIES = 2
"""How often the parameters of a trial whose worker died are tried again; limits a trial that kills every worker."""


@dataclass(frozen=True)
class Counts:
    """Number of trials of a study by state."""

    completed: int
    pruned: int
    failed: int
    running: int

    @property
    def finished(self) -> int:
        """Number of trials that count: completed, or pruned because they were poor."""
        return self.completed + self.pruned


class Sweep:
    """A study in its storage.

    Args:
        storage: SQLAlchemy URL of a database; None: a journal file of this checkout.
        name: name of the study.
    """

    def __init__(self, storage: str | None, name: str) -> None:
        self.name, self.shared = name, storage is not None
        self.created_here = False
        """Whether `begin` of this process created the study; exactly one process does."""
        self.folder = state_folder(FOLDER) / name
        self.folder.mkdir(exist_ok=True)
        self._storage = open_storage(storage, self.folder)
        self._monitor = WorkerMonitor()
        self.study: Study

    def begin(self, tune: TuneParams, identity: Mapping[str, Any]) -> None:
        """Open the study, or create it.

        Args:
            tune: the group tune of params.yaml.
            identity: settings that all trials have in common (see `study_identity`), as JSON values.

        Raises:
            UserError: the study exists, but was started with other data, parameters or another search space.
        """
        with self.locked():
            self.study = self._create_or_open(tune)
            known = self.study.user_attrs.get("identity")
            if known is None:
                self.study.set_user_attr("identity", dict(identity))
            elif known != json.loads(json.dumps(identity)):
                changed = sorted(key for key in {*known, *identity} if known.get(key) != identity.get(key))
                raise UserError(
                    f"study {self.name} was started with other values of {', '.join(changed)}; restore them, or start "
                    "another study with `--new` or another `--study NAME`"
                )
            self.recover()

    def _create_or_open(self, tune: TuneParams) -> "Study":
        import optuna

        try:
            study = optuna.create_study(storage=self._storage, study_name=self.name, direction=study_direction(tune))
            self.created_here = True
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(storage=self._storage, study_name=self.name)
        return study

    def counts(self) -> Counts:
        """Count the trials in the storage by state."""
        from optuna.trial import TrialState

        states = [trial.state for trial in self.study.get_trials(deepcopy=False)]
        return Counts(
            *(states.count(s) for s in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING))
        )

    def would_be_best(self, value: float) -> bool:
        """Return whether `value` is better than the objective value of every completed trial."""
        if not self.counts().completed:
            return True
        best = self.study.best_value
        return value < best if self.study.direction.name == "MINIMIZE" else value > best

    def claim(self, worker: Mapping[str, str], tune: TuneParams, wanted: int, epochs: int) -> "Trial | None":
        """Start the next trial.

        Two machines that share a database may start the last trial at the same time; the later one withdraws its own.

        Args:
            worker: `Worker.mark` of the worker.
            tune: the group tune of params.yaml: its sampler and its pruner are used.
            wanted: number of finished trials that the study has at the end.
            epochs: number of epochs of a trial that is not pruned.

        Returns:
            None when enough trials are finished or running.
        """
        from optuna.trial import TrialState

        with self.locked():
            self.recover()
            counts = self.counts()
            if counts.finished + counts.running >= wanted:
                return None
            self.study.pruner = make_pruner(tune, epochs)
            trial = self.study.ask()
            self.study.sampler = make_sampler(tune, trial.number)  # used when the first value is suggested
            trial.set_user_attr("worker", dict(worker))
        earlier = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        trials = self.study.get_trials(deepcopy=False, states=earlier)
        if self.shared and sum(other.number < trial.number for other in trials) >= wanted:
            self.fail(trial.number, "not needed: another machine began the last trial")
            return None
        return trial

    def fail(self, number: int, reason: str, retry: bool = False) -> bool:
        """Record that a trial failed. Only the first report of several counts, so that a trial is retried once.

        Args:
            number: number of the trial.
            reason: why it failed.
            retry: queue its parameters for another trial, up to RETRIES times.

        Returns:
            Whether it was recorded; a finished trial stays as it is.
        """
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        trial = self.study.get_trials(deepcopy=False)[number]
        try:
            self._storage.set_trial_user_attr(trial._trial_id, "reason", reason)
            self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            return False
        tries = int(trial.user_attrs.get("tries", 0)) + 1
        if retry and trial.params and tries <= RETRIES:
            self.study.enqueue_trial(trial.params, user_attrs={"tries": tries, "retry_of": number})
        return True

    def recover(self) -> None:
        """Mark trials whose worker died as failed, and queue their parameters for other workers."""
        from optuna.trial import TrialState

        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            mark, beat = trial.user_attrs.get("worker", {}), trial.user_attrs.get("beat")
            if not self._monitor.is_alive(trial.number, mark, beat, self.shared):
                self.fail(trial.number, "its worker ended before it did", retry=True)

    def send_heartbeat(self, trial: "Trial") -> None:
        """Store a heartbeat with a trial, which shows other machines that its worker is alive."""
        if self.shared:
            trial.set_user_attr("beat", time.time())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other workers of this checkout from claiming a trial while the block runs."""
        with FileLock(self.folder / "claim.lock"):
            yield


def study_identity(train: TrainParams, tune: TuneParams, data: str) -> dict[str, Any]:
    """Return the settings that all trials of a study must share to be comparable.

    Parameters that the search space varies, and those that trials do not use (schema.FINISHING), are left out.

    Args:
        train: the group train of params.yaml.
        tune: the group tune: search space, metric and fraction of the data.
        data: digest of the prepared pictures.

    Returns:
        JSON values by name.
    """
    free = {*tune.space, *FINISHING}
    fixed = {f"train.{name}": value for name, value in flatten(train).items() if name not in free}
    space = {name: domain.model_dump() for name, domain in tune.space.items()}
    chosen = {"metric": tune.metric, "fraction": tune.fraction, "seed": tune.seed}
    return {"data": data, "space": space, **chosen, **fixed}
