"""The promotion itself: choose, judge, register, move the aliases, keep the log; and the way back."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from realfake.config.schema import Params
from realfake.core.errors import UserError
from realfake.core.files import atomic_file, atomic_folder, machine_folder, sha256_file
from realfake.registry import changes, reproduction, verification
from realfake.registry.changes import PROMOTED, REFUSED, ROLLED_BACK
from realfake.registry.checks import Checks, promoted
from realfake.registry.gate import Contender, Gate
from realfake.registry.promotion_history import Log
from realfake.registry.trained_run import TrainedRun, ancestors, candidates, find_run, formats_of, read_trained_run
from realfake.registry.verdict import VERDICT_FILE, Verdict, aligned_checks
from realfake.registry.versions import ALIASES, Aliases, Registry
from realfake.tracking import lineage
from realfake.tracking.store import open_store, tracking_uri

VERSION_METRICS = ("test/accuracy", "test/cleaned/accuracy", "test/roc_auc", "test/ece")
"""Figures that a version shows as tags; its run has all."""


class Promotion:
    """What `src/promote.py` does, on one checkout and one registered model."""

    def __init__(self, client: Any, params: Params, root: Path) -> None:
        self.client, self._params, self._root = client, params, root
        self.registry = Registry(client, params.promote.model)
        self.log = Log(self.registry)

    def promote(self, wanted: str | None) -> bool:
        """Judge the best run on val, or the one of an id or name; whether it is champion now."""
        with self._alone():
            before = self.registry.aliases()
            gate = Gate.of(self.client, self._params, self._root / "outputs/prepared")
            trained = self._candidate(wanted, gate)
            champion = self._champion(before)
            if champion is not None and champion.trained.run_id == trained.run_id:
                headline = f"**nothing to do**: run {trained.name} is the champion already ({champion.title})"
                self._say(Verdict(PROMOTED, headline, ()))
                return True
            candidate = Contender(trained, f"run {trained.name}", ancestors(self.client, trained))
            checks, figures = gate.verdict(candidate, champion)
            kind = PROMOTED if promoted(checks) else REFUSED
            version = self._record(kind, before, replace(trained, figures=figures), checks)
            print(aligned_checks(checks))
            against = f", in place of {champion.title}" if champion and kind == PROMOTED else ""
            stays = f"; {champion.title} stays" if champion and kind == REFUSED else ""
            headline = f"**{kind}**: version {version} of {self.registry.name} (run {trained.name}){against}{stays}"
            self._say(Verdict(kind, headline, checks))
            return kind == PROMOTED

    def rollback(self) -> None:
        """Bring back @previous.

        Raises:
            UserError: there is none.
        """
        with self._alone():
            before = self.registry.aliases()
            if before.previous is None:
                raise UserError(
                    f"{self.registry.name} has no @previous to go back to; `--history` shows what was promoted"
                )
            there = {int(version.version) for version in self.registry.versions()}  # others were deleted since
            stack = [version for version in changes.champions(self.log.changes()) if version in there]
            places = [place for place, version in enumerate(stack) if version == before.previous]
            place = places[-1] if places else 0
            beneath = {"beneath": str(stack[place - 1])} if place else {}
            trained = self.registry.trained_run(self.registry.find(str(before.previous)))
            with self.log.change(ROLLED_BACK, before, _of_run(trained) | beneath) as pending:
                pending.about(before.previous)
            print(
                f"rolled back: the champion of {self.registry.name} is version {before.previous} again, "
                f"in place of version {before.champion}"
            )

    def history(self) -> str:
        """The log of changes."""
        found = self.log.history()
        return changes.table(found) if found else f"{self.registry.name} has no promotions yet; `python src/promote.py`"

    def lineage(self, wanted: str) -> Iterator[str]:
        """What reproduces a version, line by line."""
        version = self.registry.find(wanted)
        names = [name for name in ALIASES if getattr(self.registry.aliases(), name) == int(version.version)]
        title = f"{self.registry.name} version {version.version}" + (f" ({', '.join(names)})" if names else "")
        trained = self.registry.trained_run(version)
        parent = self.registry.of_digest(trained.params.get("train.weights_sha256", ""))
        origin = f"models:/{self.registry.name}/{parent.version}" if parent is not None else None
        return reproduction.describe(self.client, trained, title, origin)

    def verify(self, wanted: str) -> bool:
        """Evaluate a version anew on its own data; whether its recorded figures hold.

        Raises:
            UserError: outputs/prepared holds other pictures than it was evaluated on, or nothing was recorded.
        """
        version = self.registry.find(wanted)
        gate = Gate.of(self.client, self._params, self._root / "outputs/prepared")
        return verification.verify(gate, self.registry.trained_run(version), version.version)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change at a time on this machine; what was cut off is settled first."""
        folder = machine_folder("locks")
        key = hashlib.sha256(f"{tracking_uri()} {self.registry.name}".encode()).hexdigest()[:16]
        with FileLock(folder / f"promote-{key}.lock"):
            self.log.lock = f"{_name_of(folder)} {key}"
            for line in self.log.recover():
                print(line, flush=True)
            yield

    def _candidate(self, wanted: str | None, gate: Gate) -> TrainedRun:
        experiment, metric = self._params.tracking.experiment, self._params.promote.metric
        if wanted is not None:
            return read_trained_run(self.client, find_run(self.client, experiment, wanted))
        runs, others = candidates(self.client, experiment, metric, gate.data)
        rolled_back = changes.rolled_back(self.log.changes())
        left = [run for run in runs if run.info.run_id not in rolled_back]
        if others:
            print(f"{others} runs on other pictures are left out; `--run` judges one of them")
        if len(left) < len(runs):
            print(f"{len(runs) - len(left)} runs that were rolled back are left out; `--run` judges one of them")
        if not left:
            raise UserError(f"experiment {experiment} has no finished run on today's pictures; `dvc repro` makes one")
        value = left[0].data.metrics[f"best/{metric}"]
        print(f"candidate: run {left[0].info.run_name}, the best of {len(left)} by {metric} ({value:.4f})", flush=True)
        return read_trained_run(self.client, left[0])

    def _champion(self, aliases: Aliases) -> Contender | None:
        if aliases.champion is None:
            return None
        trained = self.registry.trained_run(self.registry.find(str(aliases.champion)))
        return Contender(trained, f"version {aliases.champion}", ancestors(self.client, trained))

    def _record(self, kind: str, before: Aliases, trained: TrainedRun, checks: Checks) -> int:
        """Register the candidate, write the log, move the aliases; the version's number."""
        self._keep_lock(trained)
        with self.log.change(kind, before, _of_run(trained)) as pending:
            tags = _version_tags(self.client, trained)
            version = self.registry.register(trained, tags | {"change": pending.run_id}, f"run {trained.name}")
            page = Verdict(kind, f"version {version} {kind}", checks).markdown()
            self.client.log_text(pending.run_id, page, "verdict.md")
            self.client.log_dict(pending.run_id, [asdict(check) for check in checks], VERDICT_FILE)
            pending.about(version)
        self.registry.describe(version, Verdict(kind, f"{kind}: run {trained.name}", checks).markdown())
        self.registry.tag(version, **tags)
        return version

    def _keep_lock(self, trained: TrainedRun) -> None:
        """Keep dvc.lock with the run, if the checkout holds what it made: DVC writes it when a stage has ended."""
        model = self._root / "outputs/model/model.keras"
        if model.is_file() and sha256_file(model) == trained.tags.get("model_sha256"):
            lineage.record_lock(self.client, trained.run_id)

    def _say(self, verdict: Verdict) -> None:
        """Print the headline, and leave the verdict in outputs/promotion for who reports it."""
        print(verdict.headline.replace("**", ""))
        with atomic_folder(self._root / "outputs/promotion") as folder:
            verdict.write(folder)


def _name_of(folder: Path) -> str:
    """A name of this machine's locks that no other machine has, kept beside them."""
    file = folder / "name"
    if not file.is_file():
        with atomic_file(file) as new:
            new.write(uuid4().hex.encode())
    return file.read_text()


@contextmanager
def opened(params: Params, root: Path) -> Iterator[Promotion]:
    """The registry of `promote.model`, in the MLflow store of this checkout."""
    with open_store(params.tracking.experiment) as client:
        yield Promotion(client, params, root)


def _of_run(trained: TrainedRun) -> dict[str, str]:
    """What the log says of a run."""
    accuracy, dirty = trained.figures.get("test/accuracy"), trained.tags.get("git_dirty") == "true"
    return {
        "run_name": trained.name,
        "run_id": trained.run_id,
        "accuracy": "-" if accuracy is None else f"{accuracy:.2%}",
        "candidate_commit": trained.tags.get("git_commit", "none")[:9] + ("+" if dirty else ""),
        "data_digest": trained.tags.get("data_digest", "unknown"),
    }


def _version_tags(client: Any, trained: TrainedRun) -> dict[str, str]:
    """Evaluation, formats and lineage, as MLflow's page of a version shows them."""
    names = ("model_sha256", "data_digest", "git_commit", "git_dirty")
    known = {name: trained.tags[name] for name in names if name in trained.tags}
    figures = {name: _with_interval(trained, name) for name in VERSION_METRICS if name in trained.figures}
    formats = {
        name: f"{row.bytes / 1e6:.2f} MB, {row.accuracy:.2%}" for name, row in formats_of(client, trained).items()
    }
    return {
        **known,
        **figures,
        "run_name": trained.name,
        "threshold": f"{trained.threshold:g}",
        "formats": json.dumps(formats),
    }


def _with_interval(trained: TrainedRun, name: str) -> str:
    ends = [trained.figures.get(f"{name}_ci_{end}") for end in ("low", "high")]
    value = f"{trained.figures[name]:.4f}"
    return value if None in ends else f"{value} ({ends[0]:.4f} to {ends[1]:.4f})"
