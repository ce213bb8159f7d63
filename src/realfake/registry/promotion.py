"""Promote a run: choose a candidate, check it, register a version, move the aliases, record the change; roll back."""

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
from realfake.registry.checks import Checks, may_be_promoted
from realfake.registry.gate import EvaluatedRun, Gate
from realfake.registry.promotion_history import PromotionLog
from realfake.registry.trained_run import (
    TrainedRun,
    find_ancestors,
    find_candidates,
    find_run,
    read_formats,
    read_trained_run,
)
from realfake.registry.verdict import VERDICT_FILE, Verdict, aligned_checks
from realfake.registry.versions import ALIASES, Aliases, Registry
from realfake.tracking import lineage
from realfake.tracking.store import open_store, tracking_uri

VERSION_METRICS = ("test/accuracy", "test/cleaned/accuracy", "test/roc_auc", "test/ece")
"""Metrics that become tags of a version; its run has all metrics."""


class Promotion:
    """The actions of `src/promote.py`, on one checkout and one registered model."""

    def __init__(self, client: Any, params: Params, root: Path) -> None:
        self.client, self._params, self._root = client, params, root
        self.registry = Registry(client, params.promote.model)
        self.log = PromotionLog(self.registry)

    def promote(self, wanted: str | None) -> bool:
        """Check a run, register it, and make it champion if it passes.

        Args:
            wanted: id or name of the run; None: the best run on val.

        Returns:
            Whether the run is the champion afterwards.

        Raises:
            UserError: there is no such run, or nothing is prepared to check it on.
        """
        with self._locked():
            before = self.registry.aliases()
            gate = Gate.of(self.client, self._params, self._root / "outputs/prepared")
            trained = self._candidate(wanted, gate)
            champion = self._champion(before)
            if champion is not None and champion.trained.run_id == trained.run_id:
                headline = f"**nothing to do**: run {trained.name} is the champion already ({champion.title})"
                self._report(Verdict(PROMOTED, headline, ()))
                return True
            candidate = EvaluatedRun(trained, f"run {trained.name}", find_ancestors(self.client, trained))
            checks, metrics = gate.check(candidate, champion)
            kind = PROMOTED if may_be_promoted(checks) else REFUSED
            version = self._record(kind, before, replace(trained, metrics=metrics), checks)
            print(aligned_checks(checks))
            against = f", in place of {champion.title}" if champion and kind == PROMOTED else ""
            stays = f"; {champion.title} stays" if champion and kind == REFUSED else ""
            headline = f"**{kind}**: version {version} of {self.registry.name} (run {trained.name}){against}{stays}"
            self._report(Verdict(kind, headline, checks))
            return kind == PROMOTED

    def rollback(self) -> None:
        """Make the version @previous the champion again; raise a UserError if there is none."""
        with self._locked():
            before = self.registry.aliases()
            if before.previous is None:
                raise UserError(
                    f"{self.registry.name} has no version @previous to roll back to; `--history` lists the promotions"
                )
            existing = {int(version.version) for version in self.registry.versions()}  # others have been deleted
            stack = [version for version in changes.champion_stack(self.log.changes()) if version in existing]
            positions = [position for position, version in enumerate(stack) if version == before.previous]
            position = positions[-1] if positions else 0
            earlier = {"beneath": str(stack[position - 1])} if position else {}
            trained = self.registry.trained_run(self.registry.find(str(before.previous)))
            with self.log.change(ROLLED_BACK, before, _history_tags(trained) | earlier) as pending:
                pending.set_version(before.previous)
            print(
                f"rolled back: the champion of {self.registry.name} is version {before.previous} again, "
                f"in place of version {before.champion}"
            )

    def history(self) -> str:
        """Return the promotion history as a table, or a line that there is none."""
        found = self.log.history()
        nothing = f"{self.registry.name} has no promotions yet; `python src/promote.py` makes the first"
        return changes.change_table(found) if found else nothing

    def lineage(self, wanted: str) -> Iterator[str]:
        """Yield, line by line, where a version comes from and the commands that reproduce it.

        Args:
            wanted: number or alias of the version.
        """
        version = self.registry.find(wanted)
        names = [name for name in ALIASES if getattr(self.registry.aliases(), name) == int(version.version)]
        title = f"{self.registry.name} version {version.version}" + (f" ({', '.join(names)})" if names else "")
        trained = self.registry.trained_run(version)
        parent = self.registry.find_by_digest(trained.params.get("train.weights_sha256", ""))
        origin = f"models:/{self.registry.name}/{parent.version}" if parent is not None else None
        return reproduction.describe(self.client, trained, title, origin)

    def verify(self, wanted: str) -> bool:
        """Evaluate a version again on its own data, and return whether the result agrees with the recorded metrics.

        Args:
            wanted: number or alias of the version.

        Raises:
            UserError: outputs/prepared holds other pictures than it was evaluated on, or it was never evaluated.
        """
        version = self.registry.find(wanted)
        gate = Gate.of(self.client, self._params, self._root / "outputs/prepared")
        return verification.verify(gate, self.registry.trained_run(version), version.version)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Allow one change at a time on this machine; before it, finish or undo an interrupted one."""
        folder = machine_folder("locks")
        key = hashlib.sha256(f"{tracking_uri()} {self.registry.name}".encode()).hexdigest()[:16]
        with FileLock(folder / f"promote-{key}.lock"):
            self.log.lock = f"{_machine_id(folder)} {key}"
            for line in self.log.recover():
                print(line, flush=True)
            yield

    def _candidate(self, wanted: str | None, gate: Gate) -> TrainedRun:
        """Return the run of an id or name, or the best run on val that was not rolled back."""
        experiment, metric = self._params.tracking.experiment, self._params.promote.metric
        if wanted is not None:
            return read_trained_run(self.client, find_run(self.client, experiment, wanted))
        runs, others = find_candidates(self.client, experiment, metric, gate.data)
        rolled_back = changes.rolled_back_runs(self.log.changes())
        left = [run for run in runs if run.info.run_id not in rolled_back]
        if others:
            print(f"{others} runs on other pictures are left out; `--run` checks one of them")
        if len(left) < len(runs):
            print(f"{len(runs) - len(left)} runs that were rolled back are left out; `--run` checks one of them")
        if not left:
            raise UserError(f"experiment {experiment} has no finished run on these pictures; `dvc repro` trains one")
        value = left[0].data.metrics[f"best/{metric}"]
        print(f"candidate: run {left[0].info.run_name}, the best of {len(left)} by {metric} ({value:.4f})", flush=True)
        return read_trained_run(self.client, left[0])

    def _champion(self, aliases: Aliases) -> EvaluatedRun | None:
        if aliases.champion is None:
            return None
        trained = self.registry.trained_run(self.registry.find(str(aliases.champion)))
        return EvaluatedRun(trained, f"version {aliases.champion}", find_ancestors(self.client, trained))

    def _record(self, kind: str, before: Aliases, trained: TrainedRun, checks: Checks) -> int:
        """Register the candidate, record the change and move the aliases; return the number of the version."""
        self._record_lock(trained)
        with self.log.change(kind, before, _history_tags(trained)) as pending:
            tags = _version_tags(self.client, trained)
            version = self.registry.register(trained, tags | {"change": pending.run_id}, f"run {trained.name}")
            page = Verdict(kind, f"version {version} {kind}", checks).markdown()
            self.client.log_text(pending.run_id, page, "verdict.md")
            self.client.log_dict(pending.run_id, [asdict(check) for check in checks], VERDICT_FILE)
            pending.set_version(version)
        self.registry.set_description(version, Verdict(kind, f"{kind}: run {trained.name}", checks).markdown())
        self.registry.set_tags(version, **tags)
        return version

    def _record_lock(self, trained: TrainedRun) -> None:
        """Log dvc.lock to the run if outputs/model is its model; DVC writes it only after a stage has ended."""
        model = self._root / "outputs/model/model.keras"
        if model.is_file() and sha256_file(model) == trained.tags.get("model_sha256"):
            lineage.record_lock(self.client, trained.run_id)

    def _report(self, verdict: Verdict) -> None:
        """Print the headline, and write the verdict into outputs/promotion for `src/report.py`."""
        print(verdict.headline.replace("**", ""))
        with atomic_folder(self._root / "outputs/promotion") as folder:
            verdict.write(folder)


def _machine_id(folder: Path) -> str:
    """Return a random id of this machine, kept beside its locks."""
    file = folder / "name"
    if not file.is_file():
        with atomic_file(file) as new:
            new.write(uuid4().hex.encode())
    return file.read_text()


@contextmanager
def open_promotion(params: Params, root: Path) -> Iterator[Promotion]:
    """Open the MLflow store, and yield the actions on the registered model `promote.model`."""
    with open_store(params.tracking.experiment) as client:
        yield Promotion(client, params, root)


def _history_tags(trained: TrainedRun) -> dict[str, str]:
    """Return the tags that describe a run in the promotion history."""
    accuracy, dirty = trained.metrics.get("test/accuracy"), trained.tags.get("git_dirty") == "true"
    return {
        "run_name": trained.name,
        "run_id": trained.run_id,
        "accuracy": "-" if accuracy is None else f"{accuracy:.2%}",
        "candidate_commit": trained.tags.get("git_commit", "none")[:9] + ("+" if dirty else ""),
        "data_digest": trained.tags.get("data_digest", "unknown"),
    }


def _version_tags(client: Any, trained: TrainedRun) -> dict[str, str]:
    """Return the tags of a version: scores, exported formats and lineage, for its page in MLflow."""
    names = ("model_sha256", "data_digest", "git_commit", "git_dirty")
    lineage_tags = {name: trained.tags[name] for name in names if name in trained.tags}
    metrics = {name: _with_interval(trained, name) for name in VERSION_METRICS if name in trained.metrics}
    formats = {
        name: f"{row.bytes / 1e6:.2f} MB, {row.accuracy:.2%}" for name, row in read_formats(client, trained).items()
    }
    return {
        **lineage_tags,
        **metrics,
        "run_name": trained.name,
        "threshold": f"{trained.threshold:g}",
        "formats": json.dumps(formats),
    }


def _with_interval(trained: TrainedRun, name: str) -> str:
    """Return a metric as text, with its 95 % interval if the run has one."""
    ends = [trained.metrics.get(f"{name}_ci_{end}") for end in ("low", "high")]
    value = f"{trained.metrics[name]:.4f}"
    return value if None in ends else f"{value} ({ends[0]:.4f} to {ends[1]:.4f})"
