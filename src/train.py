"""Stage train: a network learns from the prepared pictures, tracked in MLflow. `python src/train.py` or `dvc repro`."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from realfake.config.schema import FINISHING, TrainParams, flatten, load_params
from realfake.core.errors import run
from realfake.core.files import atomic_folder, exclusive, sha256_file, workspace
from realfake.core.json_files import write_json
from realfake.core.native_output import import_keras
from realfake.data.dataset import load_arrays, read_manifest
from realfake.data.fingerprints import learnt_from, write_fingerprints
from realfake.data.preparation_report import PreparationReport
from realfake.training.training_record import closing, epoch_line, opening, record, run_name


def train(prepared: Path, params: TrainParams, output: Path, experiment: str) -> None:
    """Train what `params` describe on `prepared` and replace the folder `output` with the result.

    Writes model.keras, history.json, training.json and seen.npy, fingerprints of its pictures. A killed training goes
    on from its last finished epoch, in the same MLflow run.
    """
    report = PreparationReport.read(prepared)
    train_arrays, val_arrays = load_arrays(prepared, "train"), load_arrays(prepared, "val")
    import_keras()
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network, describe
    from realfake.models.saving import in_float32, save_network
    from realfake.models.test_time_augmentation import mirrored
    from realfake.tracking.runs import training_run
    from realfake.training import loop
    from realfake.training.calibration import calibrate
    from realfake.training.checkpoint import Checkpoint

    network = build_network(params)
    named = {f"preprocess.{k}": v for k, v in report.params.items()} | {
        f"train.{k}": v for k, v in flatten(params).items()
    }
    name = run_name(params)
    print(opening(params, network.count_params(), len(train_arrays[1])), flush=True)
    learnt = {key: value for key, value in named.items() if key.removeprefix("train.") not in FINISHING}
    checkpoint = Checkpoint({"data": sha256_file(prepared / "manifest.csv"), **learnt}, loop.CODE)
    title = f"{name}-{datetime.now():%m%d-%H%M%S}"
    with (
        training_run(checkpoint.folder, title, experiment, named) as tracked,
        TrainablePart(network, params, train_arrays, val_arrays) as part,
    ):

        def on_epoch(result: loop.EpochResult, timing: loop.EpochTiming) -> None:
            print(epoch_line(result, params.epochs, timing["epoch_seconds"]), flush=True)
            tracked.log_epoch({**result, **timing})

        history = loop.fit(part.network, part.data, params, checkpoint, on_epoch)
        if part.use:
            tracked.log_feature_cache(asdict(part.use))
        kept = loop.kept_epoch(history, params)
        parts = describe(network, params)
        finished = in_float32(mirrored(network, params) if params.mirror else network)
        scaling = calibrate(finished, *val_arrays, params.calibration)
        outcome = {"best": kept, "calibration": scaling, "trunk": part.kept}
        with atomic_folder(output) as folder:
            save_network(finished, folder / "model.keras")
            write_fingerprints(folder, learnt_from(read_manifest(prepared)))
            write_json(folder / "history.json", history)
            write_json(folder / "training.json", record(name, report, named, parts, outcome))
        tracked.close(output)
    print(closing(kept, scaling))


def main() -> None:
    """Run the stage on this checkout."""
    root = workspace()
    params = load_params(root / "params.yaml")
    with exclusive("train"):
        train(root / "outputs/prepared", params.train, root / "outputs/model", params.tracking.experiment)


if __name__ == "__main__":
    run(main)
