"""Run the stage preprocess: check the pictures of the archive in data/ and split them into arrays.

`python src/preprocess.py`, or `dvc repro preprocess`. Its parameters are the group preprocess of params.yaml.
"""

import time
from pathlib import Path

from realfake.config.schema import PreprocessParams, load_params
from realfake.core.command_line import take_no_arguments
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive_lock, workspace
from realfake.data.archive import find_archive
from realfake.data.preparation import prepare
from realfake.data.preparation_report import PreparationReport


def preprocess(data: Path, params: PreprocessParams, output: Path) -> PreparationReport:
    """Prepare the one archive in `data`, replace the folder `output` with the result, and return its report."""
    archive = find_archive(data)
    with atomic_folder(output) as folder:
        return prepare(archive, params, folder)


def main() -> None:
    """Run the stage in this checkout."""
    take_no_arguments(__doc__)
    root = workspace()
    params = load_params(root / "params.yaml").preprocess
    started = time.perf_counter()
    with exclusive_lock("preprocess"):
        report = preprocess(root / "data", params, root / "outputs/prepared")
    for line in report.summary(time.perf_counter() - started):
        print(line)


if __name__ == "__main__":
    run(main)
