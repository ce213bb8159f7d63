"""Read and write outputs/evaluation/predictions.csv, the network's prediction for each test picture."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from realfake.core.csv_files import read_csv, write_csv
from realfake.evaluation.results import COMMAND

PREDICTIONS_FILE = "predictions.csv"
DECIMALS = 7
"""Decimals of the probabilities that are scored and written, so that every score can be recomputed from the file."""


class Prediction(NamedTuple):
    """Hold one row, the prediction for a test picture."""

    name: str
    """File name of the picture."""
    label: int
    """Ground truth: FAKE = 0, REAL = 1."""
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
