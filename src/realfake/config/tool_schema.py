"""The groups of params.yaml that no stage reads: what `src/tune.py` searches, and what `src/promote.py` asks for."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from realfake.config.kinds import FormatName, Fraction, Group, Seed


class Choices(Group):
    """Values that a sweep picks from."""

    choices: Annotated[list[int | float | str], Field(min_length=1)]

    @property
    def probes(self) -> list[Any]:
        """Values that must all be allowed."""
        return self.choices


class Range(Group):
    """Numbers that a sweep picks from; whole ones where both ends are."""

    low: int | float
    high: int | float
    scale: Literal["linear", "log"]

    @model_validator(mode="after")
    def _ends_in_order(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"a range of tune.space goes from low to high, not from {self.low} to {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a log scale starts above 0, not at {self.low}; use scale: linear")
        return self

    @property
    def probes(self) -> list[Any]:
        """Values that must all be allowed."""
        return [self.low, self.high]


def _kind(domain: Any) -> str:
    return "choices" if isinstance(domain, Choices) or (isinstance(domain, dict) and "choices" in domain) else "range"


Domain = Annotated[Annotated[Choices, Tag("choices")] | Annotated[Range, Tag("range")], Discriminator(_kind)]


class TuneParams(Group):
    """What `python src/tune.py` searches, and how. No stage depends on it."""

    metric: Literal["val_accuracy", "val_auc", "val_loss"]
    """What is sought: the highest accuracy or AUC, or the lowest loss, on val."""
    fraction: Annotated[float, Field(gt=0, le=1)]
    """Part of each class of train that a trial learns on; val is always whole."""
    sampler: Literal["tpe", "random"]
    """Tree-structured Parzen estimator (Bergstra et al. 2011), or independent draws."""
    startup_trials: Annotated[int, Field(ge=1)]
    """Trials that are drawn at random, and never stopped early, before the others learn from them."""
    pruner: Literal["none", "median", "halving"]
    """What stops a poor trial early: nothing, the median of the others, or asynchronous halving (Li et al. 2020)."""
    seed: Seed
    """The same seed proposes the same trials, with one worker."""
    space: Annotated[dict[str, Domain], Field(min_length=1)]
    """Parameters of train by dotted name, each with `choices: [...]` or with `low`, `high` and `scale`."""


class Limit(Group):
    """From and up to where a figure may be; at least one of them."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Limit":
        if self.min is None and self.max is None:
            raise ValueError("a limit of promote.limits is {min: NUMBER}, {max: NUMBER} or both")
        return self


class PromoteParams(Group):
    """The gate of `python src/promote.py`. No stage depends on it."""

    model: Annotated[str, Field(pattern=r"^[\w-]+$")]
    """Name in MLflow's registry; the champion is models:/NAME@champion."""
    metric: Literal["val_accuracy", "val_auc", "val_loss"]
    """What chooses the candidate among the runs."""
    limits: dict[str, Limit]
    """Figures of the candidate's run by their names in MLflow; one that the run does not have is not gated."""
    max_accuracy_loss: Fraction
    """Accuracy on test that it may lose against the champion, with 95 % confidence (0.01 is one point)."""
    max_latency_ratio: Annotated[float, Field(gt=0)]
    """Median time for one picture over that of the champion, measured in turns."""
    latency_format: FormatName
    """The exported file that is timed; without it latency is not gated."""
