"""The state of an unfinished training, kept outside DVC's declared outputs, which DVC empties before a stage runs."""

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
"""In .cache/: a folder for each training, by its key."""


@dataclass(frozen=True)
class TrainingState:
    """A training after its last finished epoch: arrays in the order of Keras's variables."""

    history: list[EpochResult]
    model: list[Any]
    optimizer: list[Any]
    best: list[Any]
    """The model's variables at its best epoch."""


class Checkpoint:
    """A training's state on disk under a key of data, code and params: nothing else is ever continued.

    Args:
        parts: what determines the training's result; any JSON.
        modules: names of realfake's modules that compute the result: what they and all that they import do is
            part of the key, beside the versions of the libraries.
    """

    def __init__(self, parts: dict[str, Any], modules: Sequence[str]) -> None:
        self.folder = state_folder(FOLDER) / key_of([parts, code_digest(*modules), library_versions()])
        self.folder.mkdir(exist_ok=True)
        self._file = self.folder / "state.npz"

    def save(self, snapshot: TrainingState) -> None:
        """Replace the state; a kill while it is written leaves the one before."""
        arrays = {
            f"{kind}_{place}": array
            for kind in ("model", "optimizer", "best")
            for place, array in enumerate(getattr(snapshot, kind))
        }
        with atomic_file(self._file) as file:
            np.savez(file, history=np.array(json.dumps([asdict(result) for result in snapshot.history])), **arrays)

    def load(self) -> TrainingState | None:
        """The state of the last finished epoch, or None at the start (or when the file cannot be read)."""
        try:
            with np.load(self._file, allow_pickle=False) as arrays:
                kinds = {
                    kind: [arrays[f"{kind}_{place}"] for place in range(sum(n.startswith(f"{kind}_") for n in arrays))]
                    for kind in ("model", "optimizer", "best")
                }
                os.utime(self._file)  # pruning goes by age: what is still of use is young
                return TrainingState([EpochResult(**row) for row in json.loads(str(arrays["history"]))], **kinds)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, OSError, KeyError, EOFError, zipfile.BadZipFile):
            print(f"the checkpoint in {self.folder} is damaged; training starts again", flush=True)
            return None


def remove_older(days: int, dry_run: bool) -> list[RemovedEntry]:
    """Remove the states of trainings that nobody has written or read for some days; see `cleanup.remove_unused`."""
    return remove_unused_in(FOLDER, days, dry_run)
