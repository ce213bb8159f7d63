"""Write and read outputs/prepared/report.json: counts, removed pictures and leakage found by preprocess."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from realfake.core.json_files import read_record, write_json

REPORT_FILE = "report.json"


@dataclass(frozen=True)
class RemovedPictures:
    """Count the pictures that were removed for one reason."""

    count: int
    """Number of removed pictures."""
    examples: tuple[str, ...]
    """Archive paths of the first removed pictures; for unusable pictures followed by the problem."""


@dataclass(frozen=True)
class PreparationReport:
    """Describe a prepared folder; the fields are those of the file, in the same order."""

    digest: str
    """Content digest of the archive, 64 hex digits; independent of the pictures' order and of the archive's type."""
    params: Mapping[str, Any]
    """Preprocess parameters by their dotted names."""
    pictures: Mapping[str, Mapping[str, int]]
    """Number of pictures by split (train, val, test) and class (FAKE, REAL)."""
    real_share: Mapping[str, float]
    """Fraction of REAL pictures by split, in [0, 1]."""
    groups: Mapping[str, int]
    """Number of independent groups of pictures by split."""
    test_leaked: int
    """Number of test pictures that are also in train, or share their group with a train picture."""
    test_duplicates: int
    """Number of test pictures that repeat the exact file of another test picture."""
    removed: Mapping[str, RemovedPictures]
    """Removed pictures by reason."""

    @classmethod
    def read(cls, prepared: Path) -> "PreparationReport":
        """Read the report of a prepared folder.

        Raises:
            UserError: the report is missing, damaged or incomplete.
        """
        return read_record(cls, prepared / REPORT_FILE, "dvc repro preprocess")

    def write(self, prepared: Path) -> None:
        """Write the report into a prepared folder."""
        write_json(prepared / REPORT_FILE, asdict(self))

    def summary(self, seconds: float) -> Iterator[str]:
        """Format what the stage prints, line by line: counts by split and class, removed pictures, leakage.

        Args:
            seconds: duration of the stage in seconds.
        """
        total = sum(sum(classes.values()) for classes in self.pictures.values())
        yield f"prepared {total:,} pictures of {self.params['size']} px in {seconds:.1f} s"
        for split, classes in self.pictures.items():
            yield f"  {split:<6}" + "  ".join(f"{name} {count:>7,}" for name, count in classes.items())
        for reason, pictures in self.removed.items():
            if pictures.count:
                yield f"  removed, {reason}: {pictures.count:,} (named in outputs/prepared/{REPORT_FILE})"
        if self.test_leaked:
            yield (
                f"  {self.test_leaked:,} test pictures were also in train: they are flagged, and scores are given "
                "with and without them"
            )
