"""Stage preprocess: the archive in data/ becomes checked, split arrays. `python src/preprocess.py` or `dvc repro`."""

import time
from pathlib import Path
from typing import Any

from realfake.config.schema import PreprocessParams, load_params
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive, workspace
from realfake.data.archive import find_archive
from realfake.data.preparation import prepare


def preprocess(data: Path, params: PreprocessParams, output: Path) -> dict[str, Any]:
    """Prepare the one archive in `data` and replace the folder `output` with the result; returns its report."""
    archive = find_archive(data)
    with atomic_folder(output) as folder:
        return prepare(archive, params, folder)


def main() -> None:
    """Run the stage on this checkout."""
    root = workspace()
    params = load_params(root / "params.yaml").preprocess
    started = time.perf_counter()
    with exclusive("preprocess"):
        report = preprocess(root / "data", params, root / "outputs/prepared")
    total = sum(sum(classes.values()) for classes in report["pictures"].values())
    print(f"prepared {total:,} pictures of {params.size} px in {time.perf_counter() - started:.1f} s")
    for split, classes in report["pictures"].items():
        print(f"  {split:<6}" + "  ".join(f"{name} {count:>7,}" for name, count in classes.items()))
    for reason, names in report["removed"].items():
        if names["count"]:
            print(f"  removed, {reason}: {names['count']:,} (named in outputs/prepared/report.json)")
    if report["test_leaked"]:
        print(
            f"  {report['test_leaked']:,} test pictures also stood in train: flagged, scores are given with and without"
        )


if __name__ == "__main__":
    run(main)
