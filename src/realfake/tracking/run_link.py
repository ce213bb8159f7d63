"""Which MLflow run trained a model: a note that no stage declares, since a run id in an output would move dvc.lock."""

from dataclasses import dataclass
from pathlib import Path

from realfake.core.files import sha256_file, state_folder
from realfake.core.json_files import read_json


@dataclass(frozen=True)
class RunLink:
    """Where the training of a model is recorded."""

    run_id: str
    name: str
    experiment: str


def run_of(model_folder: Path) -> RunLink | None:
    """The run that trained a model, as last noted, without asking MLflow; None where nothing is noted."""
    note = note_of(model_folder)
    return RunLink(**read_json(note)) if note.is_file() else None


def note_of(model_folder: Path) -> Path:
    """The note's place, named after the digest of the model's bytes."""
    return state_folder("runs") / f"{sha256_file(model_folder / 'model.keras')}.json"
