"""Files as the stages write them, small and complete, for tests of what reads them."""

from collections.abc import Mapping
from typing import Any

from realfake.data.preparation_report import PreparationReport, Removed

DIGEST = "d" * 64


def preparation_report(counts: Mapping[str, int], size: int = 32, **changes: Any) -> PreparationReport:
    """A report on that many pictures in each split, half of each class."""
    values = {
        "digest": DIGEST,
        "params": {"size": size},
        "pictures": {split: {"FAKE": count // 2, "REAL": count // 2} for split, count in counts.items()},
        "real_share": dict.fromkeys(counts, 0.5),
        "groups": dict(counts),
        "test_leaked": 0,
        "test_duplicates": 0,
        "removed": {"duplicate in train": Removed(0, ())},
    }
    return PreparationReport(**values | changes)
