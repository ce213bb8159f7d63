"""Pictures sent to MLflow's scoring server, as network input in JSON, by the code that training used."""

import json
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from urllib.error import HTTPError

import numpy as np

from realfake.core.arrays import Inputs
from realfake.core.errors import UserError, one_line
from realfake.data.images import decode, network_input, to_source_size
from realfake.inference.picture_files import read_each

BATCH = 64
"""Pictures sent at once."""
TIMEOUT = 60
"""Seconds that a request may take."""


def ask_for_all(server: str, paths: Sequence[Path], source_size: int, image_size: int, threshold: float) -> int:
    """Print the server's answer for every picture, a line each.

    Args:
        server: its address, http://127.0.0.1:5001.
        paths: picture files, and folders of them.
        source_size: side in pixels of the prepared pictures that the network learnt from.
        image_size: side in pixels of the network's input.
        threshold: P(REAL) from which on a picture is called REAL.

    Returns:
        how many files could not be used.

    Raises:
        UserError: nobody answers there, or not as MLflow's scoring server does.
    """
    failed = 0
    files = read_each(paths, lambda data: to_source_size(decode(data), source_size))
    while batch := list(islice(files, BATCH)):
        usable = [found for found in batch if found is not None]
        failed += len(batch) - len(usable)
        pictures = np.array([seen for _, seen in usable], dtype=np.uint8).reshape(-1, source_size, source_size, 3)
        probabilities = ask(server, network_input(pictures, image_size))
        for (path, _), probability in zip(usable, probabilities, strict=True):
            label, sure = ("REAL", probability) if probability >= threshold else ("FAKE", 1 - probability)
            print(f"{path}: {label} ({sure:.1%})", flush=True)
    return failed


def ask(server: str, inputs: Inputs) -> list[float]:
    """P(REAL) of each picture.

    Raises:
        UserError: nobody answers there, or not as MLflow's scoring server does.
    """
    if not len(inputs):
        return []
    body = json.dumps({"instances": inputs.tolist()}).encode()
    try:
        request = urllib.request.Request(f"{server}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            probabilities = [float(row[0]) for row in json.load(answer)["predictions"]]
    except HTTPError as error:
        raise UserError(f"{server} refuses the pictures ({one_line(UserError(error.read().decode()), 200)})") from None
    except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{server} does not answer as `mlflow models serve` does ({one_line(error, 120)})") from None
    if len(probabilities) != len(inputs):
        raise UserError(f"{server} gives {len(probabilities)} answers for {len(inputs)} pictures")
    return probabilities
