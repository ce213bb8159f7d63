"""Run the stage train: train a network on the prepared pictures and track it in MLflow.

`python src/train.py`, or `dvc repro train`. Its parameters are the group train of params.yaml.
"""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from realfake.config.schema import TrainParams, load_params
from realfake.core.command_line import take_no_arguments
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive_lock, workspace
from realfake.core.native_output import import_keras
from realfake.data.dataset import load_arrays
from realfake.data.preparation_report import PreparationReport
from realfake.training.history import EpochResult, EpochTiming
from realfake.training.messages import format_end, format_epoch, format_start
from realfake.training.training_record import CachedFeatures, TrainingRecord, named_params, run_name


def train(prepared: Path, params: TrainParams, output: Path, experiment: str) -> None:
    """Train the network that `params` describe on the pictures in `prepared` and replace the folder `output`.

    Writes model.keras, history.json, training.json, and seen.npy with the fingerprints of the training pictures. A
    training that was killed continues after its last finished epoch, in the same MLflow run.

    Args:
        prepared: the folder that preprocess wrote.
        params: the group train of params.yaml.
        output: the folder to replace.
        experiment: name of the MLflow experiment.
    """
    report = PreparationReport.read(prepared)
    train_arrays, val_arrays = load_arrays(prepared, "train"), load_arrays(prepared, "val")
    import_keras()
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.architecture import describe
    from realfake.models.builder import build_network
    from realfake.tracking.runs import training_run
    from realfake.training.finishing import finish, write_model
    from realfake.training.loop import fit, kept_epoch, open_checkpoint

    network, named, name = build_network(params), named_params(report, params), run_name(params)
    print(format_start(params, network.count_params(), len(train_arrays[1])), flush=True)
    checkpoint = open_checkpoint(prepared, named)
    with (
        training_run(checkpoint.folder, f"{name}-{datetime.now():%m%d-%H%M%S}", experiment, named) as tracked,
        TrainablePart(network, params, train_arrays, val_arrays) as part,
    ):

        def on_epoch(result: EpochResult, timing: EpochTiming) -> None:
            print(format_epoch(result, params.epochs, timing.epoch_seconds), flush=True)
            tracked.log_epoch(result, timing)

        history = fit(part.network, part.data, params, checkpoint, on_epoch)
        if part.use:
            tracked.log_feature_cache(asdict(part.use))
        kept, parts = kept_epoch(history, params), describe(network, params)
        finished, calibration = finish(network, val_arrays, params)
        features = CachedFeatures(part.parts.layer, part.views) if part.parts else None
        record = TrainingRecord(name, report.digest, report.pictures, parts, named, kept, calibration, features)
        with atomic_folder(output) as folder:
            write_model(finished, history, record, prepared, folder)
        tracked.close(output)
    print(format_end(kept, calibration))


def main() -> None:
    """Run the stage in this checkout."""
    take_no_arguments(__doc__)
    root = workspace()
    params = load_params(root / "params.yaml")
    with exclusive_lock("train"):
        train(root / "outputs/prepared", params.train, root / "outputs/model", params.tracking.experiment)


if __name__ == "__main__":
    run(main)
