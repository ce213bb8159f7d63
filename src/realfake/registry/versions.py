"""A registered model in MLflow: its versions, and the aliases that say which one is used for what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realfake.core.errors import UserError
from realfake.registry.trained_run import TrainedRun, read_trained_run
from realfake.tracking.store import find_registered_model

ALIASES = ("challenger", "previous", "champion")
"""In the order in which they are moved: a change holds once @champion has moved."""
_REVISION = "changes"
"""Tag of the registered model: how many changes its aliases have seen."""


@dataclass(frozen=True)
class Aliases:
    """Version numbers behind the aliases, None where one is not set; and how many changes there were before."""

    champion: int | None = None
    challenger: int | None = None
    previous: int | None = None
    revision: int = 0


class Registry:
    """One registered model, by its name."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name

    def aliases(self) -> Aliases:
        """What the aliases say now."""
        model = find_registered_model(self.client, self.name)
        if model is None:
            return Aliases()
        found = {alias: int(model.aliases[alias]) for alias in ALIASES if alias in model.aliases}
        return Aliases(**found, revision=int(model.tags.get(_REVISION, "0")))

    def move(self, target: Aliases) -> None:
        """Bring every alias to where `target` says, @champion last."""
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
            self.client.set_registered_model_tag(self.name, _REVISION, str(target.revision))

    def versions(self) -> list[Any]:
        """All versions, oldest first."""
        found = self.client.search_model_versions(f"name = '{self.name}'")
        return sorted(found, key=lambda version: int(version.version))

    def of_run(self, run_id: str) -> Any | None:
        """The version that a run became, if it did."""
        return next((version for version in self.versions() if version.run_id == run_id), None)

    def register(self, trained: TrainedRun, tags: Mapping[str, str], description: str) -> int:
        """Make a version of a run's network, or take the one that there is; its number."""
        found = self.of_run(trained.run_id)
        if found is not None:
            return int(found.version)
        if find_registered_model(self.client, self.name) is None:
            self.client.create_registered_model(self.name, description="P(REAL) of a picture; `python src/promote.py`")
        made = self.client.create_model_version(
            self.name,
            f"models:/{trained.model_id}",
            run_id=trained.run_id,
            tags=dict(tags),
            description=description,
            model_id=trained.model_id,
        )
        return int(made.version)

    def tag(self, version: int, **tags: str) -> None:
        """Set tags of a version."""
        for name, value in tags.items():
            self.client.set_model_version_tag(self.name, str(version), name, value)

    def describe(self, version: int, text: str) -> None:
        """Set the text on MLflow's page of a version."""
        self.client.update_model_version(self.name, str(version), description=text)

    def find(self, wanted: str) -> Any:
        """A version by its number or alias.

        Raises:
            UserError: there is none.
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
        """The training behind a version.

        Raises:
            UserError: its run is gone.
        """
        run = self.client.get_run(version.run_id)
        if run.info.lifecycle_stage != "active":
            raise UserError(
                f"the run of version {version.version} was deleted; `mlflow runs restore --run-id {version.run_id}`"
            )
        return read_trained_run(self.client, run)

    def of_digest(self, model_sha256: str) -> Any | None:
        """The version of a network, by the digest of its .keras file."""
        same = [version for version in self.versions() if version.tags.get("model_sha256") == model_sha256]
        return same[-1] if same else None


def as_tag(aliases: Aliases) -> str:
    """Aliases as one text."""
    return json.dumps(vars(aliases))


def from_tag(text: str) -> Aliases:
    """Aliases from their text."""
    return Aliases(**json.loads(text))
