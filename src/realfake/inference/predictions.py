"""Answers for many picture files: a line each as they come, as JSON for programs, and drawn as a figure."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from realfake.inference.detector import Answer, Detector
from realfake.inference.picture_files import read_each

DRAWN = 12
"""Pictures in the figure at most."""
NOTHING = np.zeros((0, 0, 3), dtype=np.uint8)
"""In place of the pixels of answers that are not drawn."""


def answer_all(detector: Detector, paths: Sequence[Path], silent: bool) -> tuple[list[tuple[Path, Answer]], int]:
    """Answer for every picture, and print a line each as they come.

    Args:
        detector: what answers.
        paths: picture files, and folders of them.
        silent: print errors alone.

    Returns:
        the answers by file, of which the first DRAWN have their pixels, and how many files could not be used.
    """
    answers: list[tuple[Path, Answer]] = []
    failed = 0
    for found in read_each(paths, detector.look):
        if found is None:
            failed += 1
            continue
        path, answer = found
        answers.append((path, answer if len(answers) < DRAWN else replace(answer, given=NOTHING, seen=NOTHING)))
        if not silent:
            print(f"{path}: {answer.label} ({answer.confidence:.1%})", flush=True)
    return answers, failed


def as_json(path: Path, answer: Answer, detector: Detector) -> dict[str, str | float]:
    """Describe one answer for a program."""
    return {
        "picture": str(path),
        "label": answer.label,
        "confidence": round(answer.confidence, 6),
        "probability_real": round(answer.probability, 6),
        "threshold": detector.description.threshold,
        "model": str(detector.path),
    }


def draw(answers: Sequence[tuple[Path, Answer]], detector: Detector, output: Path) -> str:
    """Draw the first answers, a row each: the picture as it was given, as the network sees it, the two probabilities.

    Args:
        answers: from `answer_all`, at least one.
        detector: what answered.
        output: the figure's file; it appears whole or not at all.

    Returns:
        what it shows, in words.
    """
    from realfake.inference.prediction_figure import comparison

    titled = [(path.name, answer) for path, answer in answers[:DRAWN]]
    figure = comparison(titled, detector.description.threshold)
    partial = output.with_name(f".{output.stem}.partial{output.suffix}")
    try:
        figure.savefig(partial, dpi=120)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return f"the first {DRAWN} of {len(answers)} pictures" if len(answers) > DRAWN else "figure"
