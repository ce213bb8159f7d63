"""Check a candidate on the present test pictures, and compare it with the champion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from realfake.config.schema import Params
from realfake.core.arrays import Pictures
from realfake.core.environment import thread_count
from realfake.core.errors import UserError
from realfake.core.native_output import import_keras
from realfake.data.dataset import Split, load_split
from realfake.data.fingerprints import Fingerprints, seen_in_training
from realfake.data.images import network_input, to_source_size
from realfake.data.preparation_report import PreparationReport
from realfake.evaluation import robustness
from realfake.evaluation.predictions import DECIMALS
from realfake.export.comparison import latencies
from realfake.export.converters import FORMATS, open_runner
from realfake.metrics.paired_bootstrap import compare_accuracy
from realfake.metrics.scores import scores
from realfake.registry.checks import (
    Check,
    Checks,
    Latency,
    accuracy_check,
    formats_check,
    latency_check,
    limit_checks,
    min_pictures,
    unseen_check,
)
from realfake.registry.trained_run import (
    Ancestor,
    ShippedNetwork,
    TrainedRun,
    data_identity,
    download_export,
    load_logged_network,
    read_formats,
    read_test_predictions,
    read_training_fingerprints,
)

LATENCY_ROUNDS = 300
"""Number of predictions of one picture that are timed for each network."""


@dataclass(frozen=True)
class EvaluatedRun:
    """A candidate or the champion."""

    trained: TrainedRun
    title: str
    """How messages name it: `version 3`, or `run NAME`."""
    ancestors: Sequence[Ancestor]
    """Networks that its training started from, the nearest first."""


@dataclass(frozen=True)
class Gate:
    """Checks candidates on the present test pictures."""

    client: Any
    """An MLflow client."""
    params: Params
    """Present parameters; the group promote has the limits."""
    test: Split
    """Present test pictures with labels and manifest rows."""
    data: Mapping[str, str]
    """Identity of the present pictures, equal to `TrainedRun.data` of runs on the same ones."""

    @classmethod
    def of(cls, client: Any, params: Params, prepared: Path) -> "Gate":
        """Create a gate that checks on the test pictures of a prepared folder."""
        return cls(client, params, load_split(prepared, "test"), data_identity(PreparationReport.read(prepared)))

    def check(self, candidate: EvaluatedRun, champion: EvaluatedRun | None) -> tuple[Checks, Mapping[str, float]]:
        """Return all checks of a candidate, and its metrics on the present test pictures by name.

        Without a champion only the absolute checks can refuse the candidate.
        """
        trained = candidate.trained
        probabilities = self.predict(trained)
        metrics = {
            **self._valid_metrics(trained),
            **self.compute_scores(trained, probabilities, self.params.evaluate.calibration_bins),
            **self.measure_robustness(trained, probabilities),
        }
        seen = self._seen(candidate)
        checks = (
            unseen_check(len(self.test.labels), None if seen is None else int(seen.sum())),
            *limit_checks(self.params.promote.limits, metrics),
            formats_check(read_formats(self.client, trained)),
            self._accuracy(probabilities >= trained.threshold, champion),
            self._latency(candidate, champion),
        )
        return checks, metrics

    def _valid_metrics(self, trained: TrainedRun) -> dict[str, float]:
        """Return the recorded metrics of a run, without test metrics if the present test pictures are others."""
        same = trained.data == self.data
        return {name: value for name, value in trained.metrics.items() if same or not name.startswith("test/")}

    def compute_scores(
        self, trained: TrainedRun, probabilities: npt.NDArray[np.float64], bins: int
    ) -> dict[str, float]:
        """Return the test scores of a network at its own threshold, with names such as `test/accuracy`.

        Args:
            trained: the run of the network.
            probabilities: its P(REAL) of the present test pictures, float64 (N,).
            bins: number of calibration bins.
        """
        values = scores(self.test.labels, probabilities, trained.threshold, bins)
        return {f"test/{name}": value for name, value in values.items()}

    def measure_robustness(self, trained: TrainedRun, clean: npt.NDArray[np.float64]) -> dict[str, float]:
        """Return metrics `test/robust/...` on damaged test pictures, if a limit needs them and the run's are outdated.

        Args:
            trained: the run of the network.
            clean: its P(REAL) of the undamaged test pictures, float64 (N,).
        """
        needed = any(name.startswith("test/robust/") for name in self.params.promote.limits)
        if not needed or trained.data == self.data:
            return {}
        print(f"evaluating {trained.name} on damaged test pictures", flush=True)
        import_keras()
        from realfake.models.saving import predict

        network = load_logged_network(trained)

        def predict_real(pictures: Pictures) -> npt.NDArray[np.float32]:
            return predict(network, resize_for(trained, pictures))

        found = robustness.measure(predict_real, self.test, clean, self.params.evaluate)
        return robustness.named_metrics(found)

    def predict(self, trained: TrainedRun, recorded: bool = True) -> npt.NDArray[np.float64]:
        """Return P(REAL) of the present test pictures, float64 (N,): those that evaluate recorded, or new ones.

        Args:
            trained: the run of the network.
            recorded: whether to use the recorded ones if they are of the same pictures.
        """
        rows = read_test_predictions(self.client, trained) if recorded and trained.data == self.data else None
        expected = [(row.name, row.label) for row in self.test.rows]
        if rows is not None and [(row.name, row.label) for row in rows] == expected:
            return np.array([row.probability for row in rows])
        print(f"evaluating {trained.name} on {len(expected):,} test pictures", flush=True)
        import_keras()
        from realfake.models.saving import predict

        pictures = resize_for(trained, self.test.pictures)
        return predict(load_logged_network(trained), pictures).astype(np.float64).round(DECIMALS)

    def _seen(self, run: EvaluatedRun) -> npt.NDArray[np.bool_] | None:
        """Return a mask (N,) of the test pictures seen in training, here or in an ancestor; None where unknown."""
        seen = np.zeros(len(self.test.labels), dtype=bool)
        for network in (run.trained, *run.ancestors):
            if network is None:
                return None
            if isinstance(network, TrainedRun) and network.data == self.data:
                continue  # preprocess has separated test from train
            if isinstance(network, ShippedNetwork):
                trained_on: Fingerprints | None = network.seen
            else:
                trained_on = read_training_fingerprints(self.client, network)
            if trained_on is None:
                return None
            seen |= seen_in_training(self.test.rows, trained_on)
        return seen

    def _accuracy(self, predicted: npt.NDArray[np.bool_], champion: EvaluatedRun | None) -> Check:
        """Compare the candidate's predictions (True: REAL) with the champion's, on pictures new to the champion."""
        allowed = self.params.promote.max_accuracy_loss
        if champion is None:
            return accuracy_check(None, allowed, 0, None)
        seen = self._seen(champion)
        unseen = np.ones(len(predicted), dtype=bool) if seen is None else ~seen
        left_out = int((~unseen).sum())
        labels = self.test.labels[unseen]
        groups = [row.group for row, kept in zip(self.test.rows, unseen, strict=True) if kept]
        if len(set(groups)) < min_pictures(allowed) or len(np.unique(labels)) < 2:
            return accuracy_check(None, allowed, left_out, champion.title)
        champions = self.predict(champion.trained) >= champion.trained.threshold
        evaluate = self.params.evaluate
        paired = compare_accuracy(
            labels, groups, predicted[unseen], champions[unseen], evaluate.bootstrap, evaluate.seed
        )
        return accuracy_check(paired, allowed, left_out, champion.title)

    def _latency(self, candidate: EvaluatedRun, champion: EvaluatedRun | None) -> Check:
        """Compare the latencies of the exported files, in the format promote.latency_format."""
        allowed = self.params.promote.max_latency_ratio
        if champion is None:
            return latency_check(None, allowed, "there is no champion yet")
        name = FORMATS[self.params.promote.latency_format].file_name
        with TemporaryDirectory() as folder:
            files: list[Path] = []
            for run in (candidate, champion):
                target = Path(folder, str(len(files)))
                target.mkdir()
                file = download_export(self.client, run.trained, name, target)
                if file is None:
                    return latency_check(None, allowed, f"{run.title} has no {name}")
                files.append(file)
            return latency_check(_measure_latency(files[0], files[1], self.test.pictures[:1]), allowed, "")


def resize_for(trained: TrainedRun, pictures: Pictures) -> Pictures:
    """Reduce prepared pictures, uint8 (N, S, S, 3), to the source resolution that a network was trained on.

    Raises:
        UserError: the pictures are smaller; enlarged ones would differ from those of the training.
    """
    size, required = pictures.shape[1], int(trained.params.get("preprocess.size", pictures.shape[1]))
    if required == size:
        return pictures
    if required > size:
        raise UserError(
            f"{trained.name} was trained on pictures of {required} px, and outputs/prepared has {size} px: they cannot "
            f"be compared; set preprocess.size: {required} or more and run `dvc repro`"
        )
    return _reduce(pictures, required)


def _reduce(pictures: Pictures, size: int) -> Pictures:
    return np.stack([to_source_size(Image.fromarray(picture), size) for picture in pictures])


def _measure_latency(candidate: Path, champion: Path, picture: Pictures) -> Latency:
    """Time two exported files alternately, so that other work on the machine affects both equally."""
    runners = {name: open_runner(path, thread_count()) for name, path in (("new", candidate), ("old", champion))}
    sizes = {name: runner.image_size for name, runner in runners.items()}
    inputs = {
        name: network_input(picture if picture.shape[1] <= size else _reduce(picture, size), size)
        for name, size in sizes.items()
    }
    seconds = latencies(runners, inputs, LATENCY_ROUNDS)
    new, old = (float(np.median(seconds[name])) * 1000 for name in ("new", "old"))
    return Latency(new / old, new, old)
