"""Which MLflow run trained a model: a note that no stage declares, since a run id in an output would move dvc.lock."""

from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.errors import UserError
from realfake.core.files import sha256_file, state_folder
from realfake.core.json_files import read_record, write_json


@dataclass(frozen=True)
class RunLink:
    """Where the training of a model is recorded."""

    run_id: str
    name: str
    experiment: str
    experiment_id: str = ""
    """MLflow's, for addresses of its pages; empty in notes of an earlier version."""

    @classmethod
    def read(cls, note: Path) -> "RunLink | None":
        """Read a note; None where there is none.

        Raises:
            UserError: the note is damaged.
        """
        return read_record(cls, note, f"rm {note}; dvc repro -f train") if note.is_file() else None

    def write(self, note: Path) -> None:
        """Write it into a note."""
        write_json(note, asdict(self))


def run_of(model_folder: Path) -> RunLink | None:
    """Return the run that trained a model, as last noted, without asking MLflow.

    None where there is no model, or nothing is noted of it.
    """
    if not (model_folder / "model.keras").is_file():
        return None
    return RunLink.read(note_of(model_folder))


def run_id_here(root: Path) -> str:
    """Return the id of the run that made outputs/model of the project `root`.

    Raises:
        UserError: none is known.
    """
    link = run_of(root / "outputs/model")
    if link is None:
        raise UserError("no run is known that made outputs/model; `dvc repro` makes one, or give --run ID")
    return link.run_id


def note_of(model_folder: Path) -> Path:
    """The note's place, named after the digest of the model's bytes."""
    return state_folder("runs") / f"{sha256_file(model_folder / 'model.keras')}.json"
