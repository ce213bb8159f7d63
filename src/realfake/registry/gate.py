"""The verdict on a candidate: its figures on today's test pictures, beside those of the champion."""

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
from realfake.data.fingerprints import seen_in_training
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
    fewest,
    formats_check,
    latency_check,
    limit_checks,
    unseen_check,
)
from realfake.registry.trained_run import (
    Ancestor,
    Shipped,
    TrainedRun,
    data_of,
    exported_file,
    formats_of,
    network_of,
    predictions_of,
    seen_by,
)

ROUNDS = 300
"""Single pictures timed of each network."""


@dataclass(frozen=True)
class Contender:
    """A candidate or the champion."""

    trained: TrainedRun
    title: str
    """`version 3`, or the run's name."""
    ancestors: Sequence[Ancestor]
    """What its training started from, one after the other."""


@dataclass(frozen=True)
class Gate:
    """Judges candidates by the parameters, on today's test pictures."""

    client: Any
    params: Params
    test: Split
    data: Mapping[str, str]
    """What `TrainedRun.data` is of runs on today's pictures."""

    @classmethod
    def of(cls, client: Any, params: Params, prepared: Path) -> "Gate":
        """Make a gate that judges on the test pictures of a prepared folder."""
        return cls(client, params, load_split(prepared, "test"), data_of(PreparationReport.read(prepared)))

    def verdict(self, candidate: Contender, champion: Contender | None) -> tuple[Checks, Mapping[str, float]]:
        """All checks of the gate, and the candidate's figures; without a champion only absolute checks can refuse."""
        trained = candidate.trained
        probabilities = self.probabilities(trained)
        figures = {
            **self._carried(trained),
            **self.scores(trained, probabilities, self.params.evaluate.calibration_bins),
            **self.robustness(trained, probabilities),
        }
        seen = self._seen(candidate)
        checks = (
            unseen_check(len(self.test.labels), None if seen is None else int(seen.sum())),
            *limit_checks(self.params.promote.limits, figures),
            formats_check(formats_of(self.client, trained)),
            self._accuracy(probabilities >= trained.threshold, champion),
            self._latency(candidate, champion),
        )
        return checks, figures

    def _carried(self, trained: TrainedRun) -> dict[str, float]:
        """Figures of a run that hold today: those on other test pictures do not."""
        same = trained.data == self.data
        return {name: value for name, value in trained.figures.items() if same or not name.startswith("test/")}

    def scores(self, trained: TrainedRun, probabilities: npt.NDArray[np.float64], bins: int) -> dict[str, float]:
        """Figures `test/...` of a network on today's pictures, at its own threshold."""
        found = scores(self.test.labels, probabilities, trained.threshold, bins)
        return {f"test/{name}": value for name, value in found.items()}

    def robustness(self, trained: TrainedRun, clean: npt.NDArray[np.float64]) -> dict[str, float]:
        """Figures `test/robust/...` on today's pictures, where a limit asks for them and the run's are of others.

        Args:
            trained: whose network.
            clean: its P(REAL) of today's pictures as they are, float64 (N,).
        """
        asked = any(name.startswith("test/robust/") for name in self.params.promote.limits)
        if not asked or trained.data == self.data:
            return {}
        print(f"damaging today's test pictures for {trained.name}", flush=True)
        import_keras()
        from realfake.models.saving import predict

        network = network_of(trained)

        def answer(pictures: Pictures) -> npt.NDArray[np.float32]:
            return predict(network, as_prepared_for(trained, pictures))

        found = robustness.measure(answer, self.test, clean, self.params.evaluate)
        return robustness.named_metrics(found)

    def probabilities(self, trained: TrainedRun, recorded: bool = True) -> npt.NDArray[np.float64]:
        """P(REAL) of today's test pictures, float64 (N,): as evaluate recorded them, if on these; else anew.

        Args:
            trained: whose network.
            recorded: False computes them in any case.
        """
        rows = predictions_of(self.client, trained) if recorded and trained.data == self.data else None
        expected = [(row.name, row.label) for row in self.test.rows]
        if rows is not None and [(row.name, row.label) for row in rows] == expected:
            return np.array([row.probability for row in rows])
        print(f"evaluating {trained.name} on today's {len(expected):,} test pictures", flush=True)
        import_keras()
        from realfake.models.saving import predict

        pictures = as_prepared_for(trained, self.test.pictures)
        return predict(network_of(trained), pictures).astype(np.float64).round(DECIMALS)

    def _seen(self, contender: Contender) -> npt.NDArray[np.bool_] | None:
        """Which test pictures a network, or one that it started from, learnt from; None where that is not known."""
        seen = np.zeros(len(self.test.labels), dtype=bool)
        for one in (contender.trained, *contender.ancestors):
            if one is None:
                return None
            if isinstance(one, TrainedRun) and one.data == self.data:
                continue  # preprocess keeps test and train apart
            learnt = one.seen if isinstance(one, Shipped) else seen_by(self.client, one)
            if learnt is None:
                return None
            seen |= seen_in_training(self.test.rows, learnt)
        return seen

    def _accuracy(self, called: npt.NDArray[np.bool_], champion: Contender | None) -> Check:
        allowed = self.params.promote.max_accuracy_loss
        if champion is None:
            return accuracy_check(None, allowed, 0, None)
        seen = self._seen(champion)
        fair = np.ones(len(called), dtype=bool) if seen is None else ~seen
        left_out = int((~fair).sum())
        labels = self.test.labels[fair]
        groups = [row.group for row, kept in zip(self.test.rows, fair, strict=True) if kept]
        if len(set(groups)) < fewest(allowed) or len(np.unique(labels)) < 2:
            return accuracy_check(None, allowed, left_out, champion.title)
        theirs = self.probabilities(champion.trained) >= champion.trained.threshold
        draws = self.params.evaluate
        paired = compare_accuracy(labels, groups, called[fair], theirs[fair], draws.bootstrap, draws.seed)
        return accuracy_check(paired, allowed, left_out, champion.title)

    def _latency(self, candidate: Contender, champion: Contender | None) -> Check:
        allowed = self.params.promote.max_latency_ratio
        if champion is None:
            return latency_check(None, allowed, "there is no champion yet")
        name = FORMATS[self.params.promote.latency_format].file_name
        with TemporaryDirectory() as folder:
            files: list[Path] = []
            for one in (candidate, champion):
                place = Path(folder, str(len(files)))
                place.mkdir()
                file = exported_file(self.client, one.trained, name, place)
                if file is None:
                    return latency_check(None, allowed, f"{one.title} has no {name} to be timed")
                files.append(file)
            new, old = files
            return latency_check(_timed(new, old, self.test.pictures[:1]), allowed, "")


def as_prepared_for(trained: TrainedRun, pictures: Pictures) -> Pictures:
    """Prepared pictures at the source resolution that a network was trained for.

    Raises:
        UserError: they are smaller than that; enlarged they would not be what the network knows.
    """
    size, wanted = pictures.shape[1], int(trained.params.get("preprocess.size", pictures.shape[1]))
    if wanted == size:
        return pictures
    if wanted > size:
        raise UserError(
            f"{trained.name} was trained on pictures of {wanted} px, and outputs/prepared has {size} px: they cannot "
            f"be compared; set preprocess.size: {wanted} or more and run `dvc repro`"
        )
    return _reduced(pictures, wanted)


def _reduced(pictures: Pictures, size: int) -> Pictures:
    return np.stack([to_source_size(Image.fromarray(picture), size) for picture in pictures])


def _timed(candidate: Path, champion: Path, picture: Pictures) -> Latency:
    """Time two files in turns, so that whatever else the machine does hits both alike."""
    runners = {name: open_runner(path, thread_count()) for name, path in (("new", candidate), ("old", champion))}
    sizes = {name: runner.image_size for name, runner in runners.items()}
    inputs = {
        name: network_input(picture if picture.shape[1] <= size else _reduced(picture, size), size)
        for name, size in sizes.items()
    }
    seconds = latencies(runners, inputs, ROUNDS)
    new, old = (float(np.median(seconds[name])) * 1000 for name in ("new", "old"))
    return Latency(new / old, new, old)
