"""Stage preprocess: the archive in data/ becomes checked, split arrays. `python src/preprocess.py` or `dvc repro`."""

import time
from pathlib import Path

from realfake.config.schema import PreprocessParams, load_params
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive_lock, workspace
from realfake.data.archive import find_archive
from realfake.data.preparation import prepare
from realfake.data.preparation_report import PreparationReport


def preprocess(data: Path, params: PreprocessParams, output: Path) -> PreparationReport:
    """Prepare the one archive in `data` and replace the folder `output` with the result; returns its report."""
    archive = find_archive(data)
    with atomic_folder(output) as folder:
        return prepare(archive, params, folder)


def main() -> None:
    """Run the stage on this checkout."""
    root = workspace()
    params = load_params(root / "params.yaml").preprocess
    started = time.perf_counter()
    with exclusive_lock("preprocess"):
        report = preprocess(root / "data", params, root / "outputs/prepared")
    for line in report.summary(time.perf_counter() - started):
        print(line)


if __name__ == "__main__":
    run(main)
