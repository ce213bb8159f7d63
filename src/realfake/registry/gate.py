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
from realfake.data.fingerprints import among
from realfake.data.images import network_input, to_source
from realfake.data.preparation_report import PreparationReport
from realfake.evaluation import robustness
from realfake.evaluation.predictions import DECIMALS
from realfake.export.comparison import latencies
from realfake.export.converters import FORMATS, open_runner
from realfake.metrics import scores as metrics
from realfake.metrics.paired_bootstrap import compare
from realfake.registry import checks as rules
from realfake.registry.checks import Check, Checks, Latency
from realfake.registry.trained_run import (
    Ancestor,
    Shipped,
    Subject,
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

    subject: Subject
    title: str
    """`version 3`, or the run's name."""
    ancestors: Sequence[Ancestor]
    """What its training started from, one after the other."""


@dataclass(frozen=True)
class Judge:
    """What all comparisons share: the store, the parameters, today's test pictures."""

    client: Any
    params: Params
    test: Split
    data: Mapping[str, str]
    """What `Subject.data` is of runs on today's pictures."""

    @classmethod
    def of(cls, client: Any, params: Params, prepared: Path) -> "Judge":
        """Judge on the test pictures of a prepared folder."""
        return cls(client, params, load_split(prepared, "test"), data_of(PreparationReport.read(prepared)))

    def verdict(self, candidate: Contender, champion: Contender | None) -> tuple[Checks, Mapping[str, float]]:
        """All checks of the gate, and the candidate's figures; without a champion only absolute checks can refuse."""
        subject = candidate.subject
        probabilities = self.probabilities(subject)
        figures = {
            **self._carried(subject),
            **self.scores(subject, probabilities, self.params.evaluate.calibration_bins),
            **self.robustness(subject, probabilities),
        }
        seen = self._seen(candidate)
        checks = (
            rules.unseen_check(len(self.test.labels), None if seen is None else int(seen.sum())),
            *rules.limit_checks(self.params.promote.limits, figures),
            rules.formats_check(formats_of(self.client, subject)),
            self._accuracy(probabilities >= subject.threshold, champion),
            self._latency(candidate, champion),
        )
        return checks, figures

    def _carried(self, subject: Subject) -> dict[str, float]:
        """Figures of a run that hold today: those on other test pictures do not."""
        same = subject.data == self.data
        return {name: value for name, value in subject.figures.items() if same or not name.startswith("test/")}

    def scores(self, subject: Subject, probabilities: npt.NDArray[np.float64], bins: int) -> dict[str, float]:
        """Figures `test/...` of a network on today's pictures, at its own threshold."""
        found = metrics.scores(self.test.labels, probabilities, subject.threshold, bins)
        return {f"test/{name}": value for name, value in found.items()}

    def robustness(self, subject: Subject, clean: npt.NDArray[np.float64]) -> dict[str, float]:
        """Figures `test/robust/...` on today's pictures, where a limit asks for them and the run's are of others.

        Args:
            subject: whose network.
            clean: its P(REAL) of today's pictures as they are, float64 (N,).
        """
        asked = any(name.startswith("test/robust/") for name in self.params.promote.limits)
        if not asked or subject.data == self.data:
            return {}
        print(f"damaging today's test pictures for {subject.name}", flush=True)
        import_keras()
        from realfake.models.saving import predict

        network = network_of(subject)

        def answer(pictures: Pictures) -> npt.NDArray[np.float32]:
            return predict(network, as_prepared_for(subject, pictures))

        found = robustness.measure(answer, self.test, clean, self.params.evaluate)
        return robustness.flat(found)

    def probabilities(self, subject: Subject, recorded: bool = True) -> npt.NDArray[np.float64]:
        """P(REAL) of today's test pictures, float64 (N,): as evaluate recorded them, if on these; else anew.

        Args:
            subject: whose network.
            recorded: False computes them in any case.
        """
        rows = predictions_of(self.client, subject) if recorded and subject.data == self.data else None
        expected = [(row.name, row.label) for row in self.test.rows]
        if rows is not None and [(row.name, row.label) for row in rows] == expected:
            return np.array([row.probability for row in rows])
        print(f"evaluating {subject.name} on today's {len(expected):,} test pictures", flush=True)
        import_keras()
        from realfake.models.saving import predict

        pictures = as_prepared_for(subject, self.test.pictures)
        return predict(network_of(subject), pictures).astype(np.float64).round(DECIMALS)

    def _seen(self, contender: Contender) -> npt.NDArray[np.bool_] | None:
        """Which test pictures a network, or one that it started from, learnt from; None where that is not known."""
        seen = np.zeros(len(self.test.labels), dtype=bool)
        for one in (contender.subject, *contender.ancestors):
            if one is None:
                return None
            if isinstance(one, Subject) and one.data == self.data:
                continue  # preprocess keeps test and train apart
            learnt = one.seen if isinstance(one, Shipped) else seen_by(self.client, one)
            if learnt is None:
                return None
            seen |= among(self.test.rows, learnt)
        return seen

    def _accuracy(self, called: npt.NDArray[np.bool_], champion: Contender | None) -> Check:
        allowed = self.params.promote.max_accuracy_loss
        if champion is None:
            return rules.accuracy_check(None, allowed, 0, None)
        seen = self._seen(champion)
        fair = np.ones(len(called), dtype=bool) if seen is None else ~seen
        left_out = int((~fair).sum())
        labels = self.test.labels[fair]
        groups = [row.group for row, kept in zip(self.test.rows, fair, strict=True) if kept]
        if len(set(groups)) < rules.fewest(allowed) or len(np.unique(labels)) < 2:
            return rules.accuracy_check(None, allowed, left_out, champion.title)
        theirs = self.probabilities(champion.subject) >= champion.subject.threshold
        draws = self.params.evaluate
        paired = compare(labels, groups, called[fair], theirs[fair], draws.bootstrap, draws.seed)
        return rules.accuracy_check(paired, allowed, left_out, champion.title)

    def _latency(self, candidate: Contender, champion: Contender | None) -> Check:
        gate = self.params.promote
        if champion is None:
            return rules.latency_check(None, gate.max_latency_ratio, "there is no champion yet")
        name = FORMATS[gate.latency_format].file_name
        with TemporaryDirectory() as folder:
            files: dict[str, Path] = {}
            for one in (candidate, champion):
                place = Path(folder, str(len(files)))
                place.mkdir()
                file = exported_file(self.client, one.subject, name, place)
                if file is None:
                    return rules.latency_check(None, gate.max_latency_ratio, f"{one.title} has no {name} to be timed")
                files[one.title] = file
            return rules.latency_check(
                _timed(files[candidate.title], files[champion.title], self.test.pictures[:1]),
                gate.max_latency_ratio,
                "",
            )


def as_prepared_for(subject: Subject, pictures: Pictures) -> Pictures:
    """Prepared pictures at the source resolution that a network was trained for.

    Raises:
        UserError: they are smaller than that; enlarged they would not be what the network knows.
    """
    size, wanted = pictures.shape[1], int(subject.params.get("preprocess.size", pictures.shape[1]))
    if wanted == size:
        return pictures
    if wanted > size:
        raise UserError(
            f"{subject.name} was trained on pictures of {wanted} px, and outputs/prepared has {size} px: they cannot "
            f"be compared; set preprocess.size: {wanted} or more and run `dvc repro`"
        )
    return _reduced(pictures, wanted)


def _reduced(pictures: Pictures, size: int) -> Pictures:
    return np.stack([to_source(Image.fromarray(picture), size) for picture in pictures])


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
