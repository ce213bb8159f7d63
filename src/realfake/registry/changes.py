"""Describe changes of a registered model's aliases (promotions, refusals, rollbacks), and evaluate their sequence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from realfake.registry.versions import Aliases, from_tag
from realfake.tracking.store import PERMANENT_TAG

PROMOTED, REFUSED, ROLLED_BACK = "promoted", "refused", "rolled back"
"""The kinds of change."""


@dataclass(frozen=True)
class Change:
    """One entry of the promotion history."""

    run_id: str
    """Id of the MLflow run that records the change."""
    kind: str
    """PROMOTED, REFUSED or ROLLED_BACK."""
    who: str
    """The user who made it."""
    host: str
    """Name of the machine on which it was made."""
    when: float
    """Start in seconds since 1970."""
    before: Aliases
    """The aliases before the change."""
    version: int | None
    """The version that was promoted, refused or restored; None until it is registered."""
    finished: bool
    """Whether all aliases have been moved."""
    ended: float
    """End in seconds since 1970; 0 while the change is in progress."""
    tags: Mapping[str, str]
    """Tags of the MLflow run."""

    @classmethod
    def of_run(cls, run: Any) -> "Change":
        """Read the entry from an MLflow run of the history."""
        tags = run.data.tags
        return cls(
            run_id=run.info.run_id,
            kind=tags[PERMANENT_TAG],
            who=tags.get("mlflow.user", "unknown"),
            host=tags["host"],
            when=run.info.start_time / 1000,
            before=from_tag(tags["before"]),
            version=int(tags["version"]) if "version" in tags else None,
            finished=run.info.status == "FINISHED",
            ended=0.0 if run.info.status == "RUNNING" else (run.info.end_time or 0) / 1000,
            tags=tags,
        )

    @property
    def after(self) -> Aliases:
        """Return the aliases after the change."""
        moved = {
            PROMOTED: {"champion": self.version, "previous": self.before.champion, "challenger": None},
            REFUSED: {"challenger": self.version},
            ROLLED_BACK: {"champion": self.version, "previous": self._earlier_champion()},
        }[self.kind]
        return replace(self.before, revision=self.before.revision + 1, **moved)

    def _earlier_champion(self) -> int | None:
        """Return the champion before the version that a rollback restores."""
        text = self.tags.get("beneath", "")
        return int(text) if text else None


def champion_stack(changes: Sequence[Change]) -> list[int]:
    """Return the stack of champions: the present one last, and below it each earlier one that can still be restored.

    A promotion pushes a version; a rollback pops all versions above the one that it restores.

    Args:
        changes: all changes, oldest first.
    """
    stack: list[int] = []
    for change in changes:
        if not change.finished or change.version is None:
            continue
        if change.kind == PROMOTED:
            stack.append(change.version)
        elif change.kind == ROLLED_BACK:
            while stack and stack[-1] != change.version:
                stack.pop()
    return stack


def rolled_back_runs(changes: Sequence[Change]) -> set[str]:
    """Return the ids of runs whose versions were rolled back and have not been promoted again since."""
    found: set[int] = set()
    runs: dict[int, str] = {}
    for change in changes:
        if change.finished and change.kind == ROLLED_BACK and change.before.champion is not None:
            found.add(change.before.champion)
        elif change.finished and change.kind == PROMOTED and change.version is not None:
            found.discard(change.version)
            runs[change.version] = change.tags.get("run_id", "")
    return {runs[version] for version in found if version in runs}


def change_table(changes: Sequence[Change]) -> str:
    """Return changes as aligned text: a header, and a line for each change."""
    header = ("when (UTC)", "who", "change", "champion", "run", "accuracy", "commit", "data")
    rows = [header, *(_row(change) for change in changes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(change: Change) -> tuple[str, ...]:
    tags, before, after = change.tags, change.before.champion, change.after.champion
    moved = f"{before or '-'} -> {after or '?'}" if after != before else f"{before or '-'} stays"
    return (
        datetime.fromtimestamp(change.when, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        f"{change.who}@{change.host}",
        f"version {change.version} {change.kind}" if change.finished else f"{change.kind}, unfinished",
        moved,
        tags.get("run_name", "-"),
        tags.get("accuracy", "-"),
        tags.get("candidate_commit", "-"),
        tags.get("data_digest", "-")[:12],
    )
