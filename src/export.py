"""Run the stage export: convert the network to every format, run each file and measure it.

`python src/export.py`, or `dvc repro export`. Its parameters are the group export of params.yaml.
"""

import time
from pathlib import Path

from realfake.config.kinds import FormatName
from realfake.config.schema import ExportParams, flatten, load_params
from realfake.core.command_line import take_no_arguments
from realfake.core.environment import machine_tags
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive_lock, sha256_file, workspace
from realfake.core.native_output import import_keras
from realfake.data.dataset import load_sample
from realfake.data.images import network_input
from realfake.export import comparison
from realfake.export.converters import ExportSource, describe, network_runner, write_format
from realfake.export.model_card import RunFiles, write_card
from realfake.export.results import ExportResults, ExportTimings, format_table


def export(model: Path, prepared: Path, evaluation: Path, params: ExportParams, output: Path) -> comparison.Comparison:
    """Convert a network to every format, compare the files with the Keras network, and write the model card.

    Reads the folders that train, preprocess and evaluate wrote and replaces the folder `output`. Timings differ from
    run to run, so they go to timings/export.json beside it.

    Raises:
        UserError: a format cannot be written, gives all pictures one label or loses too much accuracy; `output` stays.
    """
    calibration, _ = load_sample(prepared, "train", params.calibration_pictures, params.seed)
    pictures, labels = load_sample(prepared, "test", params.check_pictures, params.seed)
    import_keras()
    from realfake.models.saving import load_network

    network = load_network(model / "model.keras")
    description = describe(model, evaluation, network.input_shape[1])
    source = ExportSource(network, network_input(calibration, description.image_size), description)
    with atomic_folder(output) as folder:
        (folder / "models").mkdir()
        paths: dict[str, Path] = {name: _write(name, source, folder / "models") for name in params.formats}
        print(f"running each on {len(labels):,} test pictures", flush=True)
        found = comparison.compare_formats(paths, network_runner(network), pictures, labels, description.threshold)
        print(format_table(found.qualities, found.speeds), flush=True)
        comparison.require_quality(found, params.max_accuracy_drop)
        ExportResults(len(labels), found.qualities).write(folder)
        write_card(RunFiles.read(prepared, model, evaluation, folder), folder / "model_card.md")
    ExportTimings(sha256_file(model / "model.keras"), machine_tags(), found.speeds).write(output.parent / "timings")
    return found


def main() -> None:
    """Run the stage in this checkout and log it to the MLflow run that trained the model."""
    take_no_arguments(__doc__)
    root = workspace()
    params = load_params(root / "params.yaml")
    model, output = root / "outputs/model", root / "outputs/export"
    with exclusive_lock("export"):
        found = export(model, root / "outputs/prepared", root / "outputs/evaluation", params.export, output)
        from realfake.tracking import runs

        values, figures = flatten(params.export), comparison.named_metrics(found)
        runs.log_stage("export", model, values, figures, output, params.tracking.experiment)


def _write(name: FormatName, source: ExportSource, folder: Path) -> Path:
    started = time.perf_counter()
    path = write_format(name, source, folder)
    seconds = time.perf_counter() - started
    print(f"{path.name:<22} {path.stat().st_size / 1e6:7.2f} MB  written in {seconds:.1f} s", flush=True)
    return path


if __name__ == "__main__":
    run(main)
