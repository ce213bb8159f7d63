"""A registered version, evaluated anew on the data of its training: do its recorded figures hold?"""

from pathlib import Path
from tempfile import TemporaryDirectory

from realfake.core.environment import rounding_tags
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.registry.gate import Gate
from realfake.registry.trained_run import TrainedRun, network_of

TOLERANCE = {True: 1e-6, False: 0.005}
"""By how much a recorded figure may differ when it is computed anew: on the same kind of machine, on another."""


def verify(gate: Gate, trained: TrainedRun, version: str) -> bool:
    """Evaluate a version anew and print a line on each recorded figure; whether all hold, and the network's bytes.

    Args:
        gate: has the test pictures.
        trained: the training behind the version.
        version: its number.

    Raises:
        UserError: the gate's are other pictures than it was evaluated on, or nothing was recorded.
    """
    if trained.data != gate.data:
        raise UserError(
            f"version {version} was evaluated on other pictures than outputs/prepared holds; bring them back with the "
            f"commands of `python src/promote.py --lineage {version}`, in another clone"
        )
    bins = int(trained.params.get("evaluate.calibration_bins", gate.params.evaluate.calibration_bins))
    scores = gate.scores(trained, gate.probabilities(trained, recorded=False), bins)
    recorded = {name: trained.figures[name] for name in scores if name in trained.figures}
    if not recorded:
        raise UserError(f"version {version} has no recorded figures; its run was never evaluated")
    allowed = TOLERANCE[rounding_tags().items() <= trained.tags.items()]
    holds = _same_network(trained)
    for name, value in recorded.items():
        same = abs(scores[name] - value) <= allowed
        holds &= same
        print(f"  {_word(same):<8} {name:<18} recorded {value:.6f}, now {scores[name]:.6f}")
    print(f"version {version}: {'verified' if holds else 'NOT verified'} (allowed difference {allowed:g})")
    return holds


def _same_network(trained: TrainedRun) -> bool:
    """Whether the registered network is, to the bit, the one that training wrote."""
    from realfake.models.saving import save_network

    with TemporaryDirectory() as folder:
        save_network(network_of(trained), Path(folder, "model.keras"))
        same = sha256_file(Path(folder, "model.keras")) == trained.tags.get("model_sha256")
    print(f"  {_word(same):<8} network            SHA-256 of its file, as training wrote it")
    return same


def _word(same: bool) -> str:
    return "holds" if same else "DIFFERS"
