"""Record each promotion, refusal and rollback as an MLflow run, since MLflow keeps no history of aliases.

The run is created before the aliases move, and is RUNNING until they have moved. Its tags hold the aliases before and
the version, so that after a kill at any point the next command can finish or undo the change: on the same machine at
once, from another one after CHANGE_TIMEOUT_SECONDS. MLflow's aliases have no compare-and-swap. Two machines that change
them at the same time are detected by the revision, a counter of changes that both read.
"""

import math
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from realfake.core.environment import git_tags, machine_tags
from realfake.core.errors import UserError
from realfake.registry.changes import ROLLED_BACK, Change
from realfake.registry.versions import Aliases, Registry, to_tag
from realfake.tracking.store import PERMANENT_TAG, create_run, ensure_experiment, find_registered_model

CHANGE_TIMEOUT_SECONDS = 600.0
"""Seconds after which an unfinished change of another machine counts as interrupted; a change takes a few seconds."""


class PromotionLog:
    """The promotion history of one registered model."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.client = registry, registry.client
        self.experiment = f"{registry.name}-promotions"
        self.lock = "none"
        """Name of the lock that this process holds; an unfinished change made under the same lock was interrupted."""

    def changes(self) -> list[Change]:
        """Return the changes since the registered model was created; a deleted one of the same name had others."""
        model = find_registered_model(self.client, self.registry.name)
        since = math.inf if model is None else model.creation_timestamp / 1000
        return [change for change in self.history() if not change.finished or change.ended >= since]

    def history(self) -> list[Change]:
        """Return all changes, oldest first: also unfinished ones, but not those that were undone."""
        experiment = self.client.get_experiment_by_name(self.experiment)
        if experiment is None:
            return []
        runs = self.client.search_runs([experiment.experiment_id], "attributes.status != 'FAILED'", max_results=10_000)
        return sorted(
            (Change.of_run(run) for run in runs if PERMANENT_TAG in run.data.tags), key=lambda change: change.when
        )

    def recover(self) -> list[str]:
        """Finish or undo unfinished changes.

        Returns:
            A line for each of them.

        Raises:
            UserError: another machine may be making a change at present.
        """
        lines = []
        for change in self.changes():
            if change.finished:
                continue
            own_lock = change.tags.get("lock") == self.lock
            age = time.time() - change.when
            if not own_lock and age < CHANGE_TIMEOUT_SECONDS:
                raise UserError(
                    f"{change.who} on {change.host} started to change {self.registry.name} {age:.0f} s ago; try again "
                    f"in a moment (after {CHANGE_TIMEOUT_SECONDS / 60:.0f} minutes the change counts as interrupted)"
                )
            lines.append(self.settle(change))
        return lines

    def settle(self, change: Change) -> str:
        """Finish a change whose champion has moved already; undo any other, if no change has followed it."""
        what = f"an interrupted change of {change.who} on {change.host} ({change.kind})"
        now = self.registry.aliases()
        moved = change.version is not None and now.champion == change.after.champion != change.before.champion
        if now == change.after or (moved and now.revision == change.before.revision):
            self._complete(change)
            return f"{what} was finished: version {change.version} {change.kind}"
        if now.revision == change.before.revision:
            self.registry.set_aliases(change.before)
            self._delete_versions(change)
        self.client.set_terminated(change.run_id, "FAILED")
        return f"{what} was undone; the registry is unchanged"

    def _complete(self, change: Change) -> None:
        """Move the aliases and tag the version; close the run last, so that an interrupted change can be completed."""
        self.registry.set_aliases(change.after)
        if change.version is not None and change.kind != ROLLED_BACK:
            self.registry.set_tags(change.version, verdict=change.kind)
        self.client.set_terminated(change.run_id)

    def _delete_versions(self, change: Change) -> None:
        """Delete the versions that a change has registered."""
        for version in self.registry.versions():
            if version.tags.get("change") == change.run_id:
                self.client.delete_model_version(self.registry.name, version.version)

    @contextmanager
    def change(self, kind: str, before: Aliases, tags: Mapping[str, str]) -> Iterator["PendingChange"]:
        """Record a change, let the block set its version, then move the aliases.

        If the block fails, the registry is left unchanged.

        Args:
            kind: PROMOTED, REFUSED or ROLLED_BACK.
            before: the aliases when the change was decided.
            tags: more tags of the MLflow run.

        Raises:
            UserError: the aliases have changed since, or another machine is changing them.
        """
        now = self.registry.aliases()
        if now != before:
            raise UserError(
                f"{self.registry.name} has changed meanwhile (champion {before.champion} -> {now.champion}); "
                "nothing was done, try again"
            )
        ensure_experiment(self.client, self.experiment)
        all_tags = {PERMANENT_TAG: kind, "before": to_tag(before), "host": platform.node(), "lock": self.lock}
        all_tags |= {**git_tags(), **machine_tags(), **tags}
        run = create_run(self.client, self.experiment, kind, {}, all_tags)
        self._refuse_concurrent(run.run_id, before.revision)
        try:
            yield PendingChange(self.client, run.run_id, kind)
            change = self._read(run.run_id)
            if change.ended or self.registry.aliases() != before:  # this machine was suspended
                raise UserError(f"{self.registry.name} has changed meanwhile; nothing was done, try again")
            self._complete(change)
        except BaseException:
            self.settle(self._read(run.run_id))
            raise
        self._report_conflict(self._read(run.run_id))

    def _read(self, run_id: str) -> Change:
        return Change.of_run(self.client.get_run(run_id))

    def _others(self, run_id: str, revision: int) -> list[Change]:
        """Return other changes that started from the same revision of the aliases."""
        return [change for change in self.changes() if change.run_id != run_id and change.before.revision == revision]

    def _refuse_concurrent(self, run_id: str, revision: int) -> None:
        """Withdraw a change if another machine has recorded one at the same time."""
        if others := self._others(run_id, revision):
            self.client.set_terminated(run_id, "FAILED")
            raise UserError(
                f"{others[0].who} on {others[0].host} is changing {self.registry.name} at the same time; "
                "nothing was done, try again"
            )

    def _report_conflict(self, change: Change) -> None:
        """Raise an error if another change has overwritten this finished one, or may have."""
        now = self.registry.aliases()
        others = self._others(change.run_id, change.before.revision)
        if others or now != change.after:
            author = f"{others[0].who} on {others[0].host}" if others else "someone else"
            raise UserError(
                f"this change conflicts with one of {author}: the champion of {self.registry.name} is now version "
                f"{now.champion}; see `--history`, and promote the right run again with `--run`"
            )


class PendingChange:
    """A change that is recorded but not made yet."""

    def __init__(self, client: Any, run_id: str, kind: str) -> None:
        self.client, self.run_id, self._kind = client, run_id, kind

    def set_version(self, version: int) -> None:
        """Record which version the change promotes, refuses or restores."""
        self.client.set_tag(self.run_id, "version", str(version))
        self.client.update_run(self.run_id, name=f"version {version} {self._kind}")
