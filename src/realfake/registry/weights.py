"""Registered weights as a file: where the next training starts from."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realfake.config.editing import set_values
from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.core.native_output import import_keras
from realfake.registry.trained_run import network_of
from realfake.registry.versions import Registry
from realfake.tracking.store import open_store

_ADDRESS = re.compile(r"models:/(?P<name>[\w-]+)(@(?P<alias>[\w-]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class Weights:
    """A registered network as a .keras file."""

    file: Path
    sha256: str
    version: str
    run: str


def use_weights(address: str, root: Path) -> str:
    """Let the next training start from a registered model: its file and digest go into params.yaml.

    An alias can move; the file and its digest say for good what a training started from.

    Args:
        address: models:/NAME@ALIAS or models:/NAME/VERSION.
        root: the folder that holds params.yaml; the file goes into its weights/.

    Returns:
        A line that says what the training now starts from.

    Raises:
        UserError: there is no such version.
    """
    import_keras()
    with open_store(None) as client:
        found = fetch_weights(client, address, root / "weights")
    place = found.file.relative_to(root).as_posix()
    set_values(root / "params.yaml", {"weights": place, "weights_sha256": found.sha256})
    load_params(root / "params.yaml")
    return f"{address} is version {found.version} (run {found.run}), now {place}; params.yaml starts train from it"


def fetch_weights(client: Any, address: str, folder: Path) -> Weights:
    """Write the network of a registered version to `folder`/NAME-VERSION.keras, to the bit as its training wrote it.

    Args:
        client: of the MLflow store.
        address: models:/NAME@ALIAS or models:/NAME/VERSION.
        folder: made when missing.

    Raises:
        UserError: the address is none, or there is no such version.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UserError(f"{address} is no registered model; expected models:/NAME@ALIAS or models:/NAME/VERSION")
    registry = Registry(client, match["name"])
    version = registry.find(match["alias"] or match["version"])
    trained = registry.trained_run(version)
    from realfake.models.saving import save_network

    file = folder / f"{match['name']}-{version.version}.keras"
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network_of(trained), file)
    return Weights(file, sha256_file(file), str(version.version), trained.name)
