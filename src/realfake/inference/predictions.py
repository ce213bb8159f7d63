"""Classify many picture files and present the results: a line each, as JSON, or drawn as a figure."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from realfake.inference.detector import Classification, Detector
from realfake.inference.picture_files import read_pictures

DRAWN = 12
"""Largest number of pictures in the figure."""
NO_PIXELS = np.zeros((0, 0, 3), dtype=np.uint8)
"""Replaces the pixels of results that are not drawn, to save memory."""
Results = Sequence[tuple[Path, Classification]]
"""Picture files with their classifications."""


def classify_files(detector: Detector, paths: Sequence[Path], silent: bool) -> tuple[Results, int]:
    """Classify every picture and print a line for each as soon as it is done.

    Args:
        detector: the model to use.
        paths: picture files, and folders with pictures.
        silent: print nothing but errors.

    Returns:
        The results, of which the first DRAWN keep their pixels, and the number of files that could not be used.
    """
    results: list[tuple[Path, Classification]] = []
    failed = 0
    for found in read_pictures(paths, detector.classify):
        if found is None:
            failed += 1
            continue
        path, result = found
        drawn = len(results) < DRAWN
        results.append((path, result if drawn else replace(result, thumbnail=NO_PIXELS, resized=NO_PIXELS)))
        if not silent:
            print(f"{path}: {result.label} ({result.confidence:.1%})", flush=True)
    return results, failed


def as_record(path: Path, result: Classification, detector: Detector) -> dict[str, str | float]:
    """Return one result with its file, threshold and model, to be written as JSON."""
    return {
        "picture": str(path),
        "label": result.label,
        "confidence": round(result.confidence, 6),
        "probability_real": round(result.probability, 6),
        "threshold": detector.description.threshold,
        "model": str(detector.path),
    }


def write_figure(results: Results, detector: Detector, output: Path) -> str:
    """Draw the first DRAWN results into a file.

    Args:
        results: from `classify_files`, at least one.
        detector: the model that was used.
        output: the file, which is written whole or not at all.

    Returns:
        What the figure shows, in words.
    """
    from realfake.inference.prediction_figure import draw_predictions

    titled = [(path.name, result) for path, result in results[:DRAWN]]
    figure = draw_predictions(titled, detector.description.threshold)
    partial = output.with_name(f".{output.stem}.partial{output.suffix}")
    try:
        figure.savefig(partial, dpi=120)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return f"the first {DRAWN} of {len(results)} pictures" if len(results) > DRAWN else "figure"
