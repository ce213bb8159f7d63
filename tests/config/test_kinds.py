"""Parameter groups are immutable, strict about types and refuse unknown keys."""

import pytest
from pydantic import ValidationError

from realfake.config.kinds import Fraction, Group, Seed


class Example(Group):
    part: Fraction
    seed: Seed


def test_a_group_takes_what_it_names_and_nothing_else():
    example = Example(part=0.5, seed=1)
    good = {"part": 0.5, "seed": 1}
    for wrong in (good | {"part": 1.5}, good | {"seed": "1"}, good | {"more": 2}, {"part": 0.5}):
        with pytest.raises(ValidationError):
            Example.model_validate(wrong)
    with pytest.raises(ValidationError):
        example.part = 0.6
