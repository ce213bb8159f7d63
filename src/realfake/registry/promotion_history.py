"""The log of changes: one MLflow run for each promotion, refusal and rollback, which MLflow itself does not keep.

A run that is still RUNNING is an intent. Its aliases before and its version say how to finish it or to take it back,
so that a kill at any point leaves nothing half-changed: whoever comes next does it first, on this machine at once, from
another one after a while. Aliases know no compare-and-swap; two machines that change them at once are found by the
number of the change, which both count alike.
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
from realfake.registry.versions import Aliases, Registry, as_tag
from realfake.tracking.store import PERMANENT_TAG, create_run, ensure_experiment, find_registered_model

GIVE_UP = 600.0
"""Seconds after which another machine's unfinished change counts as dead; a change takes seconds."""


class Log:
    """The changes of one registered model."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.client = registry, registry.client
        self.experiment = f"{registry.name}-promotions"
        self.lock = "none"
        """The lock that this process holds on its machine; a change announced under it is its own or a dead one's."""

    def changes(self) -> list[Change]:
        """Changes of the registered model that there is now; one that was deleted before had versions of its own."""
        model = find_registered_model(self.client, self.registry.name)
        since = math.inf if model is None else model.creation_timestamp / 1000
        return [change for change in self.history() if not change.finished or change.ended >= since]

    def history(self) -> list[Change]:
        """All changes, oldest first, unfinished ones included; what was taken back is left out."""
        place = self.client.get_experiment_by_name(self.experiment)
        if place is None:
            return []
        runs = self.client.search_runs([place.experiment_id], "attributes.status != 'FAILED'", max_results=10_000)
        return sorted(
            (Change.of_run(run) for run in runs if PERMANENT_TAG in run.data.tags), key=lambda change: change.when
        )

    def recover(self) -> list[str]:
        """Finish or take back what others left unfinished; a line on each.

        Raises:
            UserError: another machine may be at it now.
        """
        lines = []
        for change in self.changes():
            if change.finished:
                continue
            ours = change.tags.get("lock") == self.lock
            age = time.time() - change.when
            if not ours and age < GIVE_UP:
                raise UserError(
                    f"{change.who} on {change.host} is changing {self.registry.name} since {age:.0f} s; run it again "
                    f"in a moment (after {GIVE_UP / 60:.0f} minutes it counts as dead)"
                )
            lines.append(self.settle(change))
        return lines

    def settle(self, change: Change) -> str:
        """Finish a change whose champion has moved already; take back any other, if nothing has followed it."""
        what = f"a change of {change.who} on {change.host} that was cut off ({change.kind})"
        now = self.registry.aliases()
        moved = change.version is not None and now.champion == change.after.champion != change.before.champion
        if now == change.after or (moved and now.revision == change.before.revision):
            self._complete(change)
            return f"{what} is now finished: version {change.version} {change.kind}"
        if now.revision == change.before.revision:
            self.registry.move(change.before)
            self._delete_versions(change)
        self.client.set_terminated(change.run_id, "FAILED")
        return f"{what} is taken back; the registry is as it was"

    def _complete(self, change: Change) -> None:
        """Move the aliases and tag the version; the entry is closed last, so that a kill before leaves it to others."""
        self.registry.move(change.after)
        if change.version is not None and change.kind != ROLLED_BACK:
            self.registry.tag(change.version, verdict=change.kind)
        self.client.set_terminated(change.run_id)

    def _delete_versions(self, change: Change) -> None:
        for version in self.registry.versions():
            if version.tags.get("change") == change.run_id:
                self.client.delete_model_version(self.registry.name, version.version)

    @contextmanager
    def change(self, kind: str, before: Aliases, tags: Mapping[str, str]) -> Iterator["Pending"]:
        """Announce a change; the block says which version it is about, then the aliases move.

        A block that fails leaves the registry as it was.

        Raises:
            UserError: the aliases are no longer as they were when the change was decided, or another machine is at it.
        """
        now = self.registry.aliases()
        if now != before:
            raise UserError(
                f"{self.registry.name} changed meanwhile (champion {before.champion} -> {now.champion}); nothing was "
                "done, run it again"
            )
        ensure_experiment(self.client, self.experiment)
        announced = {PERMANENT_TAG: kind, "before": as_tag(before), "host": platform.node(), "lock": self.lock}
        announced |= {**git_tags(), **machine_tags(), **tags}
        run = create_run(self.client, self.experiment, kind, {}, announced)
        self._refuse_crossing(run.run_id, before.revision)
        try:
            yield Pending(self.client, run.run_id, kind)
            change = self._read(run.run_id)
            if change.ended or self.registry.aliases() != before:  # this machine slept, and another took over
                raise UserError(f"{self.registry.name} changed meanwhile; nothing was done, run it again")
            self._complete(change)
        except BaseException:
            self.settle(self._read(run.run_id))
            raise
        self._report_crossing(self._read(run.run_id))

    def _read(self, run_id: str) -> Change:
        return Change.of_run(self.client.get_run(run_id))

    def _others(self, run_id: str, revision: int) -> list[Change]:
        """Changes of the same number."""
        return [one for one in self.changes() if one.run_id != run_id and one.before.revision == revision]

    def _refuse_crossing(self, run_id: str, revision: int) -> None:
        if others := self._others(run_id, revision):
            self.client.set_terminated(run_id, "FAILED")
            raise UserError(
                f"{others[0].who} on {others[0].host} changes {self.registry.name} at this moment; nothing was done, "
                "run it again"
            )

    def _report_crossing(self, change: Change) -> None:
        now = self.registry.aliases()
        others = self._others(change.run_id, change.before.revision)
        if others or now != change.after:
            with_whom = f"{others[0].who} on {others[0].host}" if others else "someone else"
            raise UserError(
                f"this change crossed with one of {with_whom}: the champion of {self.registry.name} is now version "
                f"{now.champion}; look at `--history` and promote again what shall hold"
            )


class Pending:
    """A change that was announced."""

    def __init__(self, client: Any, run_id: str, kind: str) -> None:
        self.client, self.run_id, self._kind = client, run_id, kind

    def about(self, version: int) -> None:
        """Say which version it is about."""
        self.client.set_tag(self.run_id, "version", str(version))
        self.client.update_run(self.run_id, name=f"version {version} {self._kind}")
