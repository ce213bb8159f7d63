"""A study that several workers share and that survives them: which trials count, which are in flight, which died.

Trials live in an Optuna storage (storage.py).
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
from realfake.sweep.heartbeat import Watch
from realfake.sweep.storage import open_storage
from realfake.sweep.trials import direction, pruner, sampler

if TYPE_CHECKING:
    from optuna import Study, Trial

FOLDER = "sweeps"
"""In .cache/: a folder for each study of this checkout, and which one was begun last."""
RETRIES = 2
"""How often the proposal of a worker that died is given to another: what kills every worker must end."""


@dataclass(frozen=True)
class Counts:
    """How many trials of a study are in which state."""

    completed: int
    pruned: int
    failed: int
    running: int

    @property
    def finished(self) -> int:
        """Those that count: trained to their end, or stopped because they were poor."""
        return self.completed + self.pruned


class Sweep:
    """A study in its storage.

    Args:
        storage: an SQLAlchemy URL; None is the checkout's own journal file.
        name: of the study.
    """

    def __init__(self, storage: str | None, name: str) -> None:
        self.name, self.shared = name, storage is not None
        self.made_here = False
        """Whether `begin` made the study; one process alone does."""
        self.folder = state_folder(FOLDER) / name
        self.folder.mkdir(exist_ok=True)
        self._storage = open_storage(storage, self.folder)
        self._watch = Watch()
        self.study: Study

    def begin(self, tune: TuneParams, identity: Mapping[str, Any]) -> None:
        """Open the study, or make it.

        Args:
            tune: sampler, pruner, metric.
            identity: what all of its trials have in common; any JSON.

        Raises:
            UserError: the study is there, but of other data, parameters or another space.
        """
        with self.alone():
            self.study = self._make_or_open(tune)
            known = self.study.user_attrs.get("identity")
            if known is None:
                self.study.set_user_attr("identity", dict(identity))
            elif known != json.loads(json.dumps(identity)):
                changed = sorted(key for key in {*known, *identity} if known.get(key) != identity.get(key))
                raise UserError(
                    f"study {self.name} was begun with other {', '.join(changed)}; `--new` (or another "
                    "`--study NAME`) starts another, or put back what was"
                )
            self.recover()

    def _make_or_open(self, tune: TuneParams) -> "Study":
        import optuna

        try:
            study = optuna.create_study(storage=self._storage, study_name=self.name, direction=direction(tune))
            self.made_here = True
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(storage=self._storage, study_name=self.name)
        return study

    def counts(self) -> Counts:
        """Trials by state, as the storage has them now."""
        from optuna.trial import TrialState

        states = [trial.state for trial in self.study.get_trials(deepcopy=False)]
        return Counts(
            *(states.count(s) for s in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING))
        )

    def would_be_best(self, value: float) -> bool:
        """Whether no completed trial is as good as `value`."""
        if not self.counts().completed:
            return True
        best = self.study.best_value
        return value < best if self.study.direction.name == "MINIMIZE" else value > best

    def claim(self, worker: Mapping[str, str], tune: TuneParams, wanted: int, epochs: int) -> "Trial | None":
        """Begin the next trial; None when those finished and in flight are enough already.

        On a database shared by machines two may begin the last trial at once; the later one is withdrawn.
        """
        from optuna.trial import TrialState

        with self.alone():
            self.recover()
            counts = self.counts()
            if counts.finished + counts.running >= wanted:
                return None
            self.study.pruner = pruner(tune, epochs)
            trial = self.study.ask()
            self.study.sampler = sampler(tune, trial.number)  # which is asked when the first value is
            trial.set_user_attr("worker", dict(worker))
        earlier = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        trials = self.study.get_trials(deepcopy=False, states=earlier)
        if self.shared and sum(other.number < trial.number for other in trials) >= wanted:
            self.fail(trial.number, "not needed: another machine began the last trial")
            return None
        return trial

    def fail(self, number: int, reason: str, retry: bool = False) -> bool:
        """Record that a trial came to nothing, and why; `retry` gives its proposal to another worker, within limits.

        Whoever is the first to say so is heard: a trial that two take for lost is retried once.

        Returns:
            Whether it was recorded; a finished trial stays what it is.
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
        """Mark trials failed whose worker is gone, and give their proposals to others."""
        from optuna.trial import TrialState

        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            mark, beat = trial.user_attrs.get("worker", {}), trial.user_attrs.get("beat")
            if not self._watch.alive(trial.number, mark, beat, self.shared):
                self.fail(trial.number, "its worker ended before it did", retry=True)

    def beat(self, trial: "Trial") -> None:
        """Tell other machines that the worker of a trial is alive."""
        if self.shared:
            trial.set_user_attr("beat", time.time())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep this checkout's other workers from claiming meanwhile."""
        with FileLock(self.folder / "claim.lock"):
            yield


def identity(train: TrainParams, tune: TuneParams, data: str) -> dict[str, Any]:
    """What all trials of a study must share to be compared; `train` without what the space varies or trials do without.

    Args:
        train: the group that trials start from.
        tune: the space, the metric, the part of the data.
        data: digest of the prepared pictures.
    """
    free = {*tune.space, *FINISHING}
    fixed = {f"train.{name}": value for name, value in flatten(train).items() if name not in free}
    space = {name: domain.model_dump() for name, domain in tune.space.items()}
    chosen = {"metric": tune.metric, "fraction": tune.fraction, "seed": tune.seed}
    return {"data": data, "space": space, **chosen, **fixed}
