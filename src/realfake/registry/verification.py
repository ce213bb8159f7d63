"""Verify a registered version: evaluate it again on its own data, and compare the result with the recorded metrics."""

from pathlib import Path
from tempfile import TemporaryDirectory

from realfake.core.environment import rounding_tags
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.registry.gate import Gate
from realfake.registry.trained_run import TrainedRun, load_logged_network

TOLERANCE = {True: 1e-6, False: 0.005}
"""Largest difference between a recorded and a new metric: True on the same kind of machine, False on another kind."""


def verify(gate: Gate, trained: TrainedRun, version: str) -> bool:
    """Evaluate a version again, and print a line for its network and for each recorded metric.

    Args:
        gate: the gate with the present test pictures.
        trained: the training run of the version.
        version: number of the version.

    Returns:
        Whether all metrics agree and the network's file has the recorded digest.

    Raises:
        UserError: the present pictures are not those of the evaluation, or the version was never evaluated.
    """
    if trained.data != gate.data:
        raise UserError(
            f"version {version} was evaluated on other pictures than outputs/prepared holds; restore them with the "
            f"commands of `python src/promote.py --lineage {version}`, in another clone"
        )
    bins = int(trained.params.get("evaluate.calibration_bins", gate.params.evaluate.calibration_bins))
    scores = gate.compute_scores(trained, gate.predict(trained, recorded=False), bins)
    recorded = {name: trained.metrics[name] for name in scores if name in trained.metrics}
    if not recorded:
        raise UserError(f"version {version} has no recorded metrics; its run was never evaluated")
    allowed = TOLERANCE[rounding_tags().items() <= trained.tags.items()]
    holds = _same_network(trained)
    for name, value in recorded.items():
        same = abs(scores[name] - value) <= allowed
        holds &= same
        print(f"  {_word(same):<8} {name:<18} recorded {value:.6f}, now {scores[name]:.6f}")
    print(f"version {version}: {'verified' if holds else 'NOT verified'} (allowed difference {allowed:g})")
    return holds


def _same_network(trained: TrainedRun) -> bool:
    """Return whether the registered network has the bytes that training wrote; print a line on it."""
    from realfake.models.saving import save_network

    with TemporaryDirectory() as folder:
        save_network(load_logged_network(trained), Path(folder, "model.keras"))
        same = sha256_file(Path(folder, "model.keras")) == trained.tags.get("model_sha256")
    print(f"  {_word(same):<8} network            SHA-256 of its file, as training wrote it")
    return same


def _word(same: bool) -> str:
    return "holds" if same else "DIFFERS"
