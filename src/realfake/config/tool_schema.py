"""Define the groups of params.yaml that no stage reads: the sweep's search (tune) and the promotion gate (promote)."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from realfake.config.kinds import FormatName, Fraction, Group, Seed


class Choices(Group):
    """A parameter of the search space with listed values."""

    choices: Annotated[list[int | float | str], Field(min_length=1)]

    @property
    def probes(self) -> list[Any]:
        """The values that must all be valid for the parameter: every choice."""
        return self.choices


class Range(Group):
    """A parameter of the search space with a range of numbers; whole numbers if both ends are whole."""

    low: int | float
    high: int | float
    scale: Literal["linear", "log"]

    @model_validator(mode="after")
    def _ends_in_order(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"a range of tune.space needs low < high, but low is {self.low} and high is {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a log range of tune.space needs low > 0, but low is {self.low}; use scale: linear")
        return self

    @property
    def probes(self) -> list[Any]:
        """The values that must all be valid for the parameter: both ends."""
        return [self.low, self.high]


def _kind(domain: Any) -> str:
    """Return the tag of a domain: `choices` or `range`."""
    return "choices" if isinstance(domain, Choices) or (isinstance(domain, dict) and "choices" in domain) else "range"


Domain = Annotated[Annotated[Choices, Tag("choices")] | Annotated[Range, Tag("range")], Discriminator(_kind)]


class TuneParams(Group):
    """The sweep of `python src/tune.py`: metric, search space, sampler and pruner. No stage depends on it."""

    metric: Literal["val_accuracy", "val_auc", "val_loss"]
    """The metric on val that is optimised: accuracy or ROC-AUC is maximised, loss is minimised."""
    fraction: Annotated[float, Field(gt=0, le=1)]
    """Fraction of each class of train that a trial trains on; val is always used whole."""
    sampler: Literal["tpe", "random"]
    """Tree-structured Parzen estimator (Bergstra et al. 2011), or independent random draws."""
    startup_trials: Annotated[int, Field(ge=1)]
    """Number of first trials that are drawn at random and never stopped early."""
    pruner: Literal["none", "median", "halving"]
    """Rule that stops poor trials early: none, below the others' median, or asynchronous halving (Li et al. 2020)."""
    seed: Seed
    """Seed of the sampler; with one worker the same seed proposes the same trials."""
    space: Annotated[dict[str, Domain], Field(min_length=1)]
    """Search space: parameters of train by dotted name, each with `choices: [...]` or with `low`, `high`, `scale`."""


class Limit(Group):
    """The smallest and the largest value that a metric may have; at least one of the two."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Limit":
        if self.min is None and self.max is None:
            raise ValueError("a limit of promote.limits needs {min: NUMBER}, {max: NUMBER} or both")
        return self


class PromoteParams(Group):
    """The promotion gate of `python src/promote.py`. No stage depends on it."""

    model: Annotated[str, Field(pattern=r"^[\w-]+$")]
    """Name of the model in MLflow's registry; the champion is models:/NAME@champion."""
    metric: Literal["val_accuracy", "val_auc", "val_loss"]
    """The metric on val by which the candidate is chosen among the runs."""
    limits: dict[str, Limit]
    """Limits of metrics of the candidate's run, by name in MLflow; a metric that the run lacks is not checked."""
    max_accuracy_loss: Fraction
    """Largest loss of test accuracy against the champion, with 95 % confidence (0.01 is one point)."""
    max_latency_ratio: Annotated[float, Field(gt=0)]
    """Largest ratio of the median time for one picture to the champion's, both measured in turns."""
    latency_format: FormatName
    """The exported format that is timed; without such a file latency is not checked."""
