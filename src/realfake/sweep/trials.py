"""What a sweep's trial is: values proposed by Optuna, trained by the project's own `fit`, stopped early when poor."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from realfake.config.schema import TrainParams, with_values
from realfake.config.tool_schema import Choices, Domain, TuneParams
from realfake.core.errors import UserError
from realfake.data.dataset import CLASSES

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from realfake.feature_cache.features import CacheUse
    from realfake.feature_cache.source import LabelledPictures
    from realfake.training.history import EpochResult, EpochTiming

    OnEpoch = Callable[[EpochResult, EpochTiming, CacheUse | None], None]


@dataclass(frozen=True)
class Experiment:
    """What a sweep searches: the train group, what of it varies, and the pictures."""

    train: TrainParams
    tune: TuneParams
    data: "tuple[LabelledPictures, LabelledPictures]"
    """Train (the part that trials learn on) and val."""

    @property
    def depth(self) -> int | None:
        """The largest unfreeze depth of the space, whose kept features serve all trials with frozen layers.

        None when all trials train every layer.
        """
        domain = self.tune.space.get("unfreeze")
        depths: list[Any] = domain.probes if domain else [self.train.unfreeze]
        return max((depth for depth in depths if isinstance(depth, int)), default=None)


@dataclass(frozen=True)
class Outcome:
    """What a trial that ran to its end found."""

    value: float
    """The metric at the epoch whose weights are kept."""
    network: Any
    """The trained keras.Model."""


def direction(tune: TuneParams) -> Literal["minimize", "maximize"]:
    """`maximize` or `minimize`, as Optuna names them."""
    return "minimize" if tune.metric == "val_loss" else "maximize"


def suggest(trial: "optuna.Trial", space: Mapping[str, Domain]) -> dict[str, Any]:
    """Ask Optuna for a value of each parameter; what is trained is the value in four digits."""
    for name, domain in space.items():
        _suggest_one(trial, name, domain)
    return values_of(trial)


def values_of(trial: "optuna.Trial | FrozenTrial") -> dict[str, Any]:
    """The parameters of a trial by dotted name, floats in four significant digits: as they were trained."""
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in trial.params.items()}


def _suggest_one(trial: "optuna.Trial", name: str, domain: Domain) -> None:
    if isinstance(domain, Choices):
        trial.suggest_categorical(name, domain.choices)
        return
    low, high, log = domain.low, domain.high, domain.scale == "log"
    if isinstance(low, int) and isinstance(high, int):
        trial.suggest_int(name, low, high, log=log)
    else:
        trial.suggest_float(name, low, high, log=log)


def sampler(tune: TuneParams, number: int) -> "optuna.samplers.BaseSampler":
    """What proposes trial `number`: seeded by it, so that a sweep that was resumed between two trials repeats too."""
    import optuna

    seed = int(np.random.SeedSequence((tune.seed, number)).generate_state(1)[0])
    if tune.sampler == "random":
        return optuna.samplers.RandomSampler(seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=tune.startup_trials, multivariate=True)


def pruner(tune: TuneParams, epochs: int) -> "optuna.pruners.BasePruner":
    """What stops poor trials, from half of their epochs on.

    Before that a falling learning rate hides what a trial will reach: over ten trials of resnet20 val accuracy
    after an eighth, a quarter and half of the epochs had rank correlations of -0.4, 0.0 and -0.1 with the last one
    (of the best value so far: -0.4, -0.1 and 0.2). From half on a trial costs little to finish, and the median of those
    before it is a mild judge. Hyperband was a draw with it where the same curves were replayed (docs/benchmarks.md),
    but Optuna's TPE counts its start-up trials in each bracket: thirty trials in four brackets would all be random.
    """
    import optuna

    first = max(1, math.ceil(epochs / 2))
    if tune.pruner == "median":
        return optuna.pruners.MedianPruner(tune.startup_trials, n_warmup_steps=first)
    if tune.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=first, reduction_factor=2)
    return optuna.pruners.NopPruner()


def part_of(split: "LabelledPictures", fraction: float, seed: int) -> "LabelledPictures":
    """A stratified, seeded part of a split, in its order."""
    pictures, labels = split
    if fraction == 1:
        return split
    generator = np.random.default_rng(seed)
    chosen = []
    for label in range(len(CLASSES)):
        places = generator.permutation(np.flatnonzero(labels == label))
        chosen.append(places[: max(1, round(fraction * len(places)))])
    order = np.sort(np.concatenate(chosen))
    return pictures[order], labels[order]


STRUCTURE = ("backbone", "width", "image_size", "input_range", "weights", "unfreeze")
"""Parameters that decide whether there is such a network at all."""


def check_networks(train: TrainParams, tune: TuneParams) -> None:
    """Build the network of every value that the space has for its structure, before a trial meets it.

    Raises:
        UserError: there is no such network: a depth beyond the backbone's layers, weights of another one.
    """
    varied = {name: domain.probes for name, domain in tune.space.items() if name in STRUCTURE}
    if not varied:
        return
    from realfake.core.native_output import import_keras

    import_keras()
    from realfake.models.builder import build_network

    for name, probes in varied.items():
        for value in probes:
            try:
                build_network(with_values(train, {name: value}))
            except UserError as error:
                raise UserError(f"tune.space.{name} has {value}, and a trial could not use it: {error}") from None


def run_trial(experiment: Experiment, values: Mapping[str, Any], on_epoch: "OnEpoch") -> Outcome:
    """Train one proposal.

    Args:
        experiment: what is searched.
        values: from `suggest`.
        on_epoch: called after every epoch with its figures and what the feature cache did; an exception
            that it raises ends the trial.

    Raises:
        UserError: a combination that no network can have, or a loss that is no number.
    """
    from realfake.feature_cache.features import TrainablePart
    from realfake.models.builder import build_network
    from realfake.training.loop import fit, kept_epoch

    params = with_values(experiment.train, values)
    network = build_network(params)
    with TrainablePart(network, params, *experiment.data, depth=experiment.depth) as part:
        history = fit(
            part.network, part.data, params, on_epoch=lambda result, timing: on_epoch(result, timing, part.use)
        )
        return Outcome(getattr(kept_epoch(history, params), experiment.tune.metric), network)
