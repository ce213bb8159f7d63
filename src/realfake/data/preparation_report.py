"""outputs/prepared/report.json: what preprocess found in the archive and made of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from realfake.core.json_files import read_record, write_json

REPORT_FILE = "report.json"


@dataclass(frozen=True)
class RemovedPictures:
    """Pictures that were left out for one reason."""

    count: int
    examples: tuple[str, ...]
    """Paths in the archive of the first of them; of unusable pictures with what is wrong."""


@dataclass(frozen=True)
class PreparationReport:
    """The report of a prepared folder; its fields are those of the file, in their order."""

    digest: str
    """Content digest of the archive: 64 hex digits, the same for any order and packing of the same pictures."""
    params: Mapping[str, Any]
    """The preprocess parameters, flattened."""
    pictures: Mapping[str, Mapping[str, int]]
    """Number of pictures by split (train, val, test) and class (FAKE, REAL)."""
    real_share: Mapping[str, float]
    """Part of each split that is REAL."""
    groups: Mapping[str, int]
    """Number of independent groups of pictures in each split."""
    test_leaked: int
    """Test pictures that also stood in train, or were cut from a photograph that train was cut from."""
    test_duplicates: int
    """Test pictures whose exact bytes stand in test more than once, without the first of each."""
    removed: Mapping[str, RemovedPictures]
    """What was left out, by reason."""

    @classmethod
    def read(cls, prepared: Path) -> "PreparationReport":
        """Read the report of a prepared folder.

        Raises:
            UserError: it is missing, damaged or incomplete.
        """
        return read_record(cls, prepared / REPORT_FILE, "dvc repro preprocess")

    def write(self, prepared: Path) -> None:
        """Write the report into a prepared folder."""
        write_json(prepared / REPORT_FILE, asdict(self))

    def summary(self, seconds: float) -> Iterator[str]:
        """What a person wants to know after the stage, line by line: counts, what was left out, leakage.

        Args:
            seconds: how long the stage took.
        """
        total = sum(sum(classes.values()) for classes in self.pictures.values())
        yield f"prepared {total:,} pictures of {self.params['size']} px in {seconds:.1f} s"
        for split, classes in self.pictures.items():
            yield f"  {split:<6}" + "  ".join(f"{name} {count:>7,}" for name, count in classes.items())
        for reason, pictures in self.removed.items():
            if pictures.count:
                yield f"  removed, {reason}: {pictures.count:,} (named in outputs/prepared/{REPORT_FILE})"
        if self.test_leaked:
            flagged = "also stood in train: flagged, scores are given with and without"
            yield f"  {self.test_leaked:,} test pictures {flagged}"
