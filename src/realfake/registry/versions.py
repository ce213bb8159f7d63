"""Read and change a registered model in MLflow: its versions, and the aliases that name their roles."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realfake.core.errors import UserError
from realfake.registry.trained_run import TrainedRun, read_trained_run
from realfake.tracking.store import find_or_create, find_registered_model

ALIASES = ("challenger", "previous", "champion")
"""Aliases in the order in which they are moved; a change takes effect when @champion has moved."""
_REVISION_TAG = "changes"
"""Tag of the registered model with the number of changes of its aliases."""


@dataclass(frozen=True)
class Aliases:
    """The version number of each alias, None where it is not set, and the number of earlier changes."""

    champion: int | None = None
    challenger: int | None = None
    previous: int | None = None
    revision: int = 0


class Registry:
    """A registered model, identified by its name."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name

    def aliases(self) -> Aliases:
        """Read the present aliases."""
        model = find_registered_model(self.client, self.name)
        if model is None:
            return Aliases()
        found = {alias: int(model.aliases[alias]) for alias in ALIASES if alias in model.aliases}
        return Aliases(**found, revision=int(model.tags.get(_REVISION_TAG, "0")))

    def set_aliases(self, target: Aliases) -> None:
        """Move each alias to its version in `target`, or delete it; @champion last."""
        now = self.aliases()
        for alias in ALIASES:
            version = getattr(target, alias)
            if version == getattr(now, alias):
                continue
            if version is None:
                self.client.delete_registered_model_alias(self.name, alias)
            else:
                self.client.set_registered_model_alias(self.name, alias, str(version))
        if target.revision != now.revision:
            self.client.set_registered_model_tag(self.name, _REVISION_TAG, str(target.revision))

    def versions(self) -> list[Any]:
        """Return all versions, oldest first."""
        found = self.client.search_model_versions(f"name = '{self.name}'")
        return sorted(found, key=lambda version: int(version.version))

    def find_by_run(self, run_id: str) -> Any | None:
        """Return the version registered from a run, None if there is none."""
        return next((version for version in self.versions() if version.run_id == run_id), None)

    def register(self, trained: TrainedRun, tags: Mapping[str, str], description: str) -> int:
        """Register a run's network as a version, unless it is registered already; return the number of the version."""
        found = self.find_by_run(trained.run_id)
        if found is not None:
            return int(found.version)
        meaning = "P(REAL) of a picture; `python src/promote.py`"
        find_or_create(
            lambda: find_registered_model(self.client, self.name),
            lambda: self.client.create_registered_model(self.name, description=meaning),
        )
        made = self.client.create_model_version(
            self.name,
            f"models:/{trained.model_id}",
            run_id=trained.run_id,
            tags=dict(tags),
            description=description,
            model_id=trained.model_id,
        )
        return int(made.version)

    def set_tags(self, version: int, **tags: str) -> None:
        """Set some tags of a version."""
        for name, value in tags.items():
            self.client.set_model_version_tag(self.name, str(version), name, value)

    def set_description(self, version: int, text: str) -> None:
        """Set the description on MLflow's page of a version."""
        self.client.update_model_version(self.name, str(version), description=text)

    def find(self, wanted: str) -> Any:
        """Return the version with a number or an alias.

        Raises:
            UserError: there is no such version.
        """
        model = find_registered_model(self.client, self.name)
        aliases = dict(model.aliases) if model else {}
        number = str(aliases.get(wanted.removeprefix("@"), wanted)).removeprefix("v")
        for version in self.versions():
            if str(version.version) == number:
                return version
        known = [f"{alias} ({version})" for alias, version in aliases.items()]
        raise UserError(
            f"{self.name} has no version {wanted}; "
            + (f"known: {', '.join(known)}" if known else "nothing is registered yet")
        )

    def trained_run(self, version: Any) -> TrainedRun:
        """Return the training run of a version.

        Raises:
            UserError: the run was deleted.
        """
        run = self.client.get_run(version.run_id)
        if run.info.lifecycle_stage != "active":
            raise UserError(
                f"the run of version {version.version} was deleted; `mlflow runs restore --run-id {version.run_id}`"
            )
        return read_trained_run(self.client, run)

    def find_by_digest(self, model_sha256: str) -> Any | None:
        """Return the newest version whose .keras file has a SHA-256, None if there is none."""
        same = [version for version in self.versions() if version.tags.get("model_sha256") == model_sha256]
        return same[-1] if same else None


def to_tag(aliases: Aliases) -> str:
    """Return aliases as the text of a tag."""
    return json.dumps(vars(aliases))


def from_tag(text: str) -> Aliases:
    """Read aliases from the text of a tag."""
    return Aliases(**json.loads(text))
