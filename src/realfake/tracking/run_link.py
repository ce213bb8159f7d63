"""Link a model to the MLflow run that trained it, in a file that no stage declares.

A run id in a declared output would change dvc.lock on every machine.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.errors import UserError
from realfake.core.files import sha256_file, state_folder
from realfake.core.json_files import read_record, write_json


@dataclass(frozen=True)
class RunLink:
    """The MLflow run that recorded the training of a model."""

    run_id: str
    name: str
    experiment: str
    experiment_id: str = ""
    """MLflow's id of the experiment, for addresses of its pages; empty in link files of an earlier version."""

    @classmethod
    def read(cls, file: Path) -> "RunLink | None":
        """Read a link file; return None where there is none.

        Raises:
            UserError: the file is damaged.
        """
        return read_record(cls, file, f"rm {file}; dvc repro -f train") if file.is_file() else None

    def write(self, file: Path) -> None:
        """Write the link into a file."""
        write_json(file, asdict(self))


def find_run_link(model_folder: Path) -> RunLink | None:
    """Return the link to the run that trained a model, without asking MLflow whether the run still exists.

    Returns:
        None where there is no model, or no link file for it.

    Raises:
        UserError: the link file is damaged.
    """
    if not (model_folder / "model.keras").is_file():
        return None
    return RunLink.read(link_file(model_folder))


def current_run_id(root: Path) -> str:
    """Return the id of the run that trained outputs/model of the project `root`.

    Raises:
        UserError: no run of this model is known.
    """
    link = find_run_link(root / "outputs/model")
    if link is None:
        raise UserError("no run of outputs/model is known; train with `dvc repro`, or name a run with --run ID")
    return link.run_id


def link_file(model_folder: Path) -> Path:
    """Return the path of a model's link file, whose name is the SHA-256 of model.keras."""
    return state_folder("runs") / f"{sha256_file(model_folder / 'model.keras')}.json"
