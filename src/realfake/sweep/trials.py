"""Define a trial: parameters suggested by Optuna, trained by the project's own `fit`, pruned when poor."""

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
    """What a sweep optimises: the training parameters, the search space, and the pictures."""

    train: TrainParams
    tune: TuneParams
    data: "tuple[LabelledPictures, LabelledPictures]"
    """Pictures and labels of train (the part that trials are trained on) and of val."""

    @property
    def depth(self) -> int | None:
        """Return the largest `unfreeze` of the search space, the number of last layers that are trained.

        The layers before them are frozen in all trials with frozen layers, which share one cache of their output.

        Returns:
            None if all trials train every layer.
        """
        domain = self.tune.space.get("unfreeze")
        depths: list[Any] = domain.probes if domain else [self.train.unfreeze]
        return max((depth for depth in depths if isinstance(depth, int)), default=None)


@dataclass(frozen=True)
class Outcome:
    """The result of a trial that was not pruned."""

    value: float
    """The metric that is optimised, at the epoch whose weights are kept."""
    network: Any
    """The trained keras.Model."""


def study_direction(tune: TuneParams) -> Literal["minimize", "maximize"]:
    """Return whether the metric is to be maximised or minimised, by Optuna's name."""
    return "minimize" if tune.metric == "val_loss" else "maximize"


def suggest(trial: "optuna.Trial", space: Mapping[str, Domain]) -> dict[str, Any]:
    """Ask Optuna for a value of each parameter; return them as `trial_values` does."""
    for name, domain in space.items():
        _suggest_one(trial, name, domain)
    return trial_values(trial)


def trial_values(trial: "optuna.Trial | FrozenTrial") -> dict[str, Any]:
    """Return the parameters of a trial by dotted name; floats have four significant digits, as in training."""
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


def make_sampler(tune: TuneParams, number: int) -> "optuna.samplers.BaseSampler":
    """Return the sampler of trial `number`; its seed depends on the number, so that a resumed sweep repeats too."""
    import optuna

    seed = int(np.random.SeedSequence((tune.seed, number)).generate_state(1)[0])
    if tune.sampler == "random":
        return optuna.samplers.RandomSampler(seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=tune.startup_trials, multivariate=True)


def make_pruner(tune: TuneParams, epochs: int) -> "optuna.pruners.BasePruner":
    """Return the pruner, which stops poor trials from half of their epochs on.

    Earlier values do not predict the final one, since the learning rate still falls: over ten trials of resnet20, val
    accuracy after an eighth, a quarter and half of the epochs had rank correlations of -0.4, 0.0 and -0.1 with the
    last epoch's (the best value so far: -0.4, -0.1 and 0.2). From half on, a trial costs little to finish, and the
    median of earlier trials stops few. Hyperband did equally well when the same curves were replayed
    (docs/benchmarks.md), but Optuna's TPE counts its start-up trials in each bracket: all of thirty trials in four
    brackets would be random.

    Args:
        tune: the group tune of params.yaml.
        epochs: number of epochs of a trial that is not pruned.
    """
    import optuna

    first = max(1, math.ceil(epochs / 2))
    if tune.pruner == "median":
        return optuna.pruners.MedianPruner(tune.startup_trials, n_warmup_steps=first)
    if tune.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=first, reduction_factor=2)
    return optuna.pruners.NopPruner()


def stratified_part(split: "LabelledPictures", fraction: float, seed: int) -> "LabelledPictures":
    """Return a stratified random part of a split, in the order of the split.

    Args:
        split: pictures and labels.
        fraction: share of the pictures of each class, in (0, 1].
        seed: seed of the random choice.
    """
    pictures, labels = split
    if fraction == 1:
        return split
    generator = np.random.default_rng(seed)
    chosen = []
    for label in range(len(CLASSES)):
        indices = generator.permutation(np.flatnonzero(labels == label))
        chosen.append(indices[: max(1, round(fraction * len(indices)))])
    order = np.sort(np.concatenate(chosen))
    return pictures[order], labels[order]


STRUCTURE = ("backbone", "width", "image_size", "input_range", "weights", "unfreeze")
"""Training parameters that decide whether a network can be built."""


def check_networks(train: TrainParams, tune: TuneParams) -> None:
    """Build a network with every value of the search space for a parameter of STRUCTURE, before trials use them.

    Raises:
        UserError: a network cannot be built, for example with more layers to train than the backbone has.
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
                raise UserError(f"tune.space.{name} has {value}, which no trial can use: {error}") from None


def run_trial(experiment: Experiment, values: Mapping[str, Any], on_epoch: "OnEpoch") -> Outcome:
    """Train a network with the suggested parameters.

    Args:
        experiment: parameters, search space and pictures of the sweep.
        values: parameters from `suggest`.
        on_epoch: called after each epoch with its metrics, its timing and the use of the feature cache; an exception
            that it raises ends the trial.

    Raises:
        UserError: the parameters contradict each other, or the loss is NaN or infinite.
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
