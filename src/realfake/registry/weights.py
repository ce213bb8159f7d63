"""Registered weights as a file: where the next training starts from."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.registry.trained_run import network_of
from realfake.registry.versions import Registry

_ADDRESS = re.compile(r"models:/(?P<name>[\w-]+)(@(?P<alias>[\w-]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class Weights:
    """A registered network as a .keras file."""

    file: Path
    sha256: str
    version: str
    run: str


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
    subject = registry.subject(version)
    from realfake.models.saving import save_network

    file = folder / f"{match['name']}-{version.version}.keras"
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network_of(subject), file)
    return Weights(file, sha256_file(file), str(version.version), subject.name)
