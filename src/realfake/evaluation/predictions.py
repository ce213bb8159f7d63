"""outputs/evaluation/predictions.csv: what the network answered for each test picture."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from realfake.core.csv_files import read_csv, write_csv
from realfake.evaluation.results import COMMAND

PREDICTIONS_FILE = "predictions.csv"
DECIMALS = 7
"""Of the probabilities that are scored and written: the file gives every score again."""


class Prediction(NamedTuple):
    """A row: one test picture."""

    name: str
    label: int
    """FAKE = 0, REAL = 1."""
    probability: float
    """P(REAL), rounded to DECIMALS."""


def write_predictions(evaluation: Path, predictions: Iterable[Prediction]) -> None:
    """Write a row for each test picture, in the order of the prepared arrays, into an existing folder."""
    rows = ([row.name, row.label, f"{row.probability:.{DECIMALS}f}"] for row in predictions)
    write_csv(evaluation / PREDICTIONS_FILE, Prediction._fields, rows)


def read_predictions(evaluation: Path) -> list[Prediction]:
    """Read the predictions in the folder that evaluate wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    return read_csv(evaluation / PREDICTIONS_FILE, Prediction._fields, _prediction, COMMAND)


def _prediction(cells: list[str]) -> Prediction:
    name, label, probability = cells
    return Prediction(name, int(label), float(probability))
