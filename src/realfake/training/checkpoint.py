"""Save and load the state of an unfinished training.

Checkpoints lie outside DVC's declared outputs, because DVC removes those before it runs a stage.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from realfake.core.cleanup import RemovedEntry, remove_unused_in
from realfake.core.code_identity import code_digest
from realfake.core.environment import library_versions
from realfake.core.files import atomic_file, key_of, state_folder
from realfake.training.history import EpochResult

FOLDER = "checkpoints"
"""Folder in .cache/ with one subfolder per training, named by its key."""


@dataclass(frozen=True)
class TrainingState:
    """Hold a training's state after its last finished epoch; arrays are in the order of Keras's variables."""

    history: list[EpochResult]
    """Results of all finished epochs."""
    model: list[Any]
    """Values of the network's variables."""
    optimizer: list[Any]
    """Values of the optimizer's variables."""
    best: list[Any]
    """Values of the network's variables after its best epoch."""


class Checkpoint:
    """Store a training's state on disk under a key, so that only a training with the same key continues from it.

    The key covers `parts`, the code of `modules` and of all modules that they import, and the libraries' versions.

    Args:
        parts: data and parameters that determine the training's result; any JSON.
        modules: names of realfake's modules that compute the result.
    """

    def __init__(self, parts: dict[str, Any], modules: Sequence[str]) -> None:
        self.folder = state_folder(FOLDER) / key_of([parts, code_digest(*modules), library_versions()])
        self.folder.mkdir(exist_ok=True)
        self._file = self.folder / "state.npz"

    def save(self, state: TrainingState) -> None:
        """Replace the state atomically; a kill during writing keeps the previous one."""
        arrays = {
            f"{kind}_{index}": array
            for kind in ("model", "optimizer", "best")
            for index, array in enumerate(getattr(state, kind))
        }
        with atomic_file(self._file) as file:
            np.savez(file, history=np.array(json.dumps([asdict(result) for result in state.history])), **arrays)

    def load(self) -> TrainingState | None:
        """Return the state of the last finished epoch, or None if there is no readable state."""
        try:
            with np.load(self._file, allow_pickle=False) as arrays:
                kinds = {
                    kind: [arrays[f"{kind}_{index}"] for index in range(sum(n.startswith(f"{kind}_") for n in arrays))]
                    for kind in ("model", "optimizer", "best")
                }
                os.utime(self._file)  # `make prune` removes by age; this checkpoint is still in use
                return TrainingState([EpochResult(**row) for row in json.loads(str(arrays["history"]))], **kinds)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, OSError, KeyError, EOFError, zipfile.BadZipFile):
            print(f"the checkpoint in {self.folder} is damaged; training starts again at epoch 1", flush=True)
            return None


def remove_older(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove checkpoints that were not read or written for `days` days; see `cleanup.remove_unused`."""
    return remove_unused_in(FOLDER, days, dry_run)
