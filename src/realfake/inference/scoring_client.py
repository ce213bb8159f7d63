"""Classify pictures with MLflow's scoring server: prepare them with the code that training used, send them as JSON."""

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
from realfake.inference.picture_files import read_pictures

BATCH = 64
"""Pictures per request."""
TIMEOUT = 60
"""Seconds until a request is given up."""


def classify_on_server(server: str, paths: Sequence[Path], source_size: int, image_size: int, threshold: float) -> int:
    """Classify every picture with a server and print a line for each.

    Args:
        server: its address: http://127.0.0.1:5001.
        paths: picture files, and folders with pictures.
        source_size: side in pixels of the prepared pictures that the network was trained on.
        image_size: side in pixels of the network's input.
        threshold: P(REAL) from which a picture is called REAL.

    Returns:
        The number of files that could not be used.

    Raises:
        UserError: there is no scoring server of MLflow at the address, or it refuses the pictures.
    """
    failed = 0
    files = read_pictures(paths, lambda data: to_source_size(decode(data), source_size))
    while batch := list(islice(files, BATCH)):
        usable = [found for found in batch if found is not None]
        failed += len(batch) - len(usable)
        pictures = np.array([seen for _, seen in usable], dtype=np.uint8).reshape(-1, source_size, source_size, 3)
        probabilities = request_predictions(server, network_input(pictures, image_size))
        for (path, _), probability in zip(usable, probabilities, strict=True):
            label, confidence = ("REAL", probability) if probability >= threshold else ("FAKE", 1 - probability)
            print(f"{path}: {label} ({confidence:.1%})", flush=True)
    return failed


def request_predictions(server: str, inputs: Inputs) -> list[float]:
    """Request P(REAL) of each picture from a server.

    Args:
        server: its address: http://127.0.0.1:5001.
        inputs: float32 (N, S, S, 3) in [0, 1].

    Raises:
        UserError: there is no scoring server of MLflow at the address, or it refuses the pictures.
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
        raise UserError(f"{server} is not a server of `mlflow models serve` ({one_line(error, 120)})") from None
    if len(probabilities) != len(inputs):
        raise UserError(f"{server} returned {len(probabilities)} predictions for {len(inputs)} pictures")
    return probabilities
