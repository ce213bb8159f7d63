"""Download registered weights into a file, from which the next training starts."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realfake.config.editing import set_values
from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.native_output import import_keras
from realfake.registry.trained_run import load_logged_network
from realfake.registry.versions import Registry
from realfake.tracking.store import open_store

_ADDRESS = re.compile(r"models:/(?P<name>[\w-]+)(@(?P<alias>[\w-]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class Weights:
    """A registered network as a .keras file."""

    file: Path
    sha256: str
    """Digest of the file."""
    version: str
    """Number of the version."""
    run: str
    """Name of the run that trained it."""


def use_weights(address: str, root: Path) -> str:
    """Let the next training start from a registered model: download it, and write its path and digest into params.yaml.

    An alias may move later, but the digest identifies what a training started from.

    Args:
        address: models:/NAME@ALIAS or models:/NAME/VERSION.
        root: the project, which holds params.yaml; the file is written into its folder weights/.

    Returns:
        A line for the user that names the version.

    Raises:
        UserError: there is no such version.
    """
    import_keras()
    with open_store(None) as client:
        found = fetch_weights(client, address, root / "weights")
    path = found.file.relative_to(root).as_posix()
    set_values(root / "params.yaml", {"weights": path, "weights_sha256": found.sha256})
    load_params(root / "params.yaml")
    return f"{address} is version {found.version} (run {found.run}), now {path}; params.yaml starts train from it"


def fetch_weights(client: Any, address: str, folder: Path) -> Weights:
    """Write the network of a registered version to `folder`/NAME-VERSION.keras, with the bytes that training wrote.

    Args:
        client: an MLflow client.
        address: models:/NAME@ALIAS or models:/NAME/VERSION.
        folder: created if it does not exist.

    Raises:
        UserError: the address is invalid, or there is no such version.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UserError(
            f"{address} is not the address of a registered model; expected models:/NAME@ALIAS or models:/NAME/VERSION"
        )
    registry = Registry(client, match["name"])
    version = registry.find(match["alias"] or match["version"])
    trained = registry.trained_run(version)
    from realfake.models.saving import save_network

    file = folder / f"{match['name']}-{version.version}.keras"
    folder.mkdir(parents=True, exist_ok=True)
    save_network(load_logged_network(trained), file)
    return Weights(file, sha256_file(file), str(version.version), trained.name)
