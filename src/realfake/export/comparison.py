"""Compare exported formats with the Keras network: predictions, speed, and whether the quality is sufficient.

Formats take turns, picture by picture and batch by batch, so that other load on the machine affects all of them alike.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from realfake.core.arrays import Inputs, Labels, Pictures, Probabilities
from realfake.core.environment import thread_count
from realfake.core.errors import UserError, one_line
from realfake.data.images import network_input
from realfake.export.converters import open_runner
from realfake.export.results import Quality, Speed
from realfake.inference.runtimes import Runner

BATCH = 64
"""Pictures per batch."""
ROUNDS = 60
"""Single pictures timed per format."""
WARM_UP = 5
"""Single pictures per format that run untimed before."""
_REFERENCE = "reference"
"""Name of the Keras network beside the formats' names."""


@dataclass(frozen=True)
class Comparison:
    """Hold the result of a comparison, by format name."""

    qualities: dict[str, Quality]
    speeds: dict[str, Speed]
    probabilities: dict[str, Probabilities]
    """P(REAL) of N pictures by each format, float32 (N,)."""
    reference: Probabilities
    """P(REAL) of the same pictures by the Keras network, float32 (N,)."""
    reference_accuracy: float
    """Accuracy of the Keras network on these pictures, 0 to 1."""


def compare_formats(
    paths: Mapping[str, Path], reference: Runner, pictures: Pictures, labels: Labels, threshold: float = 0.5
) -> Comparison:
    """Run exported files, each in its own runtime on all usable cores, and compare them with the Keras network.

    Args:
        paths: the files by format name.
        reference: a runner of the Keras network.
        pictures: uint8 (N, S, S, 3), N >= 1.
        labels: uint8 (N,), FAKE = 0, REAL = 1.
        threshold: P(REAL) from which on a picture is called REAL.

    Raises:
        UserError: a file cannot be loaded or run.
    """
    threads = thread_count()
    first = network_input(pictures[:1], reference.image_size)
    runners = {name: _open_and_run(name, path, threads, first) for name, path in paths.items()}
    probabilities, rates = _predict_in_turns({_REFERENCE: reference, **runners}, pictures)
    expected = probabilities.pop(_REFERENCE)
    seconds = latencies(runners, dict.fromkeys(runners, first), ROUNDS)
    qualities, speeds = {}, {}
    for name, path in paths.items():
        qualities[name] = measure_quality(path.stat().st_size, probabilities[name], expected, labels, threshold)
        p50, p95 = np.percentile(seconds[name], (50, 95)) * 1000
        speeds[name] = Speed(
            p50_ms=round(float(p50), 3),
            p95_ms=round(float(p95), 3),
            pictures_per_second=round(rates[name], 1),
            cold_start_ms=round(_time_cold_start(path, first, threads) * 1000, 1),
        )
    return Comparison(qualities, speeds, probabilities, expected, _accuracy(expected, labels, threshold))


def measure_quality(
    size: int, probabilities: Probabilities, reference: Probabilities, labels: Labels, threshold: float = 0.5
) -> Quality:
    """Compare a format's predictions with those of Keras.

    Args:
        size: size of the format's file in bytes.
        probabilities: the format's P(REAL), float32 (N,).
        reference: the P(REAL) of Keras, float32 (N,).
        labels: uint8 (N,), FAKE = 0, REAL = 1.
        threshold: P(REAL) from which on a picture is called REAL.
    """
    agreement = np.mean((probabilities >= threshold) == (reference >= threshold))
    difference = np.nan_to_num(np.abs(probabilities - reference), nan=1.0)
    return Quality(
        bytes=size,
        accuracy=_accuracy(probabilities, labels, threshold),
        agreement=round(float(agreement), 6),
        max_difference=round(float(difference.max()), 4),
    )


def require_quality(found: Comparison, allowed_drop: float) -> None:
    """Check that every format can replace the Keras network.

    Quantization can give NaN, or the same P(REAL) for all pictures (tensorflow#41840, #60903). The accuracy does not
    show this if that of Keras is near chance, so the spread of P(REAL) is checked too.

    Args:
        found: the comparison.
        allowed_drop: accuracy that a format may lose against Keras, in [0, 1].

    Raises:
        UserError: a format gives NaN, a nearly constant P(REAL), or loses more accuracy; the message has the numbers.
    """
    expected_spread = np.ptp(found.reference)
    for name, probabilities in found.probabilities.items():
        spread = np.ptp(probabilities)
        accuracy, expected = found.qualities[name].accuracy, found.reference_accuracy
        if not np.isfinite(probabilities).all():
            raise UserError(f"format {name} gives a P(REAL) that is not a number; {_advice(name)}")
        if expected_spread > 0.1 and spread < 0.05 * expected_spread:
            raise UserError(
                f"format {name} collapsed: its P(REAL) varies by {spread:.4f} over all pictures, "
                f"that of Keras by {expected_spread:.4f}; {_advice(name)}"
            )
        if expected - accuracy > allowed_drop + 1e-9:  # in floating point, 0.88 - 0.87 is a little more than 0.01
            raise UserError(
                f"format {name} loses {expected - accuracy:.4f} of accuracy against Keras ({expected:.4f} to "
                f"{accuracy:.4f}), more than export.max_accuracy_drop {allowed_drop}; {_advice(name)}"
            )


def named_metrics(found: Comparison) -> dict[str, float]:
    """Return all values by metric name, for MLflow: export/litert_int8/accuracy, ..."""
    rows: list[tuple[str, Quality | Speed]] = [*found.qualities.items(), *found.speeds.items()]
    return {f"export/{name}/{figure}": value for name, row in rows for figure, value in asdict(row).items()}


def latencies(
    runners: Mapping[str, Runner], pictures: Mapping[str, Inputs], rounds: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the seconds that each runner takes for one picture, float64 (rounds,) by name; runners take turns.

    Args:
        runners: runners by name.
        pictures: one picture for each runner, float32 (1, S, S, 3) by name.
        rounds: number of timed runs of each runner.
    """
    seconds = {name: np.zeros(WARM_UP + rounds) for name in runners}
    for turn in range(WARM_UP + rounds):
        for name, runner in runners.items():
            started = time.perf_counter()
            runner(pictures[name])
            seconds[name][turn] = time.perf_counter() - started
    return {name: taken[WARM_UP:] for name, taken in seconds.items()}


def _accuracy(probabilities: Probabilities, labels: Labels, threshold: float) -> float:
    return round(float(np.mean((probabilities >= threshold) == labels)), 6)


def _open_and_run(name: str, path: Path, threads: int, picture: Inputs) -> Runner:
    """Load a file and run it once, because some runtimes report an unsupported file only then."""
    try:
        runner = open_runner(path, threads)
        runner(picture)
    except Exception as error:  # each runtime raises its own exceptions
        raise UserError(f"format {name} was written but cannot be run: {one_line(error)}; {_advice(name)}") from None
    return runner


def _predict_in_turns(
    runners: Mapping[str, Runner], pictures: Pictures
) -> tuple[dict[str, Probabilities], dict[str, float]]:
    """Return P(REAL) and pictures per second of each runner, in batches; preparing the inputs is not timed."""
    image_size = next(iter(runners.values())).image_size
    parts: dict[str, list[Probabilities]] = {name: [] for name in runners}
    seconds = dict.fromkeys(runners, 0.0)
    for start in range(0, len(pictures), BATCH):
        inputs = network_input(pictures[start : start + BATCH], image_size)
        for name, runner in runners.items():
            if start == 0:
                runner(inputs)  # the first batch is slower: runtimes allocate memory, Keras traces the network
            started = time.perf_counter()
            parts[name].append(runner(inputs))
            seconds[name] += time.perf_counter() - started
    probabilities = {name: np.concatenate(part) for name, part in parts.items()}
    return probabilities, {name: len(pictures) / total for name, total in seconds.items()}


def _time_cold_start(path: Path, picture: Inputs, threads: int) -> float:
    """Return the seconds from opening a file to its prediction for one picture."""
    started = time.perf_counter()
    open_runner(path, threads)(picture)
    return time.perf_counter() - started


def _advice(name: str) -> str:
    calibrate = "raise export.calibration_pictures or " if name == "litert_int8" else ""
    return f"{calibrate}leave it out of export.formats"
