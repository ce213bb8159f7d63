"""Figures of the documentation that no stage draws: all formats of a network, and the shipped network on damage."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from project import PROJECT

from realfake.core import plot_style
from realfake.core.json_files import read_json
from realfake.data.corruption import SUITE
from realfake.evaluation.results import Condition
from realfake.evaluation.robustness import Robustness, damage_pictures

EXAMPLE = PROJECT / "imgs/real/3.jpg"
"""The picture that is damaged in the figure: a car, whose edges show what happens."""
SEED = 42
"""Of the noise on the example."""
NAMES = {
    "keras": "Keras",
    "onnx": "ONNX",
    "litert_fp32": "LiteRT float32",
    "litert_fp16": "LiteRT float16",
    "litert_dynamic": "LiteRT dynamic range",
    "litert_int8": "LiteRT int8",
}
PANELS: Mapping[str, Callable[[Mapping[str, float]], float]] = {
    "size, MB": lambda row: row["bytes"] / 1e6,
    "cold start, ms": lambda row: row["cold_start_ms"],
    "one picture, ms": lambda row: row["p50_ms"],
    "pictures/s": lambda row: row["pictures_per_second"],
    "accuracy, %": lambda row: 100 * row["accuracy"],
}
"""What is drawn of each format, from 0 on: a bar's length is its value."""


def formats(root: Path, path: Path) -> None:
    """Draw what the last export of a project measured."""
    found, timed = (read_json(root / f"outputs/{name}.json") for name in ("export/formats", "timings/export"))
    rows = {name: row | timed["formats"][name] for name, row in found["formats"].items()}
    with plot_style.project_style():
        figure = Figure(figsize=(11.5, 2.5), layout="constrained")
        for axes, (title, value) in zip(figure.subplots(1, len(PANELS), sharey=True), PANELS.items(), strict=True):
            values = [value(row) for row in rows.values()]
            axes.barh([NAMES[name] for name in rows], values, color=plot_style.BLUE)
            axes.bar_label(axes.containers[0], [f" {short(one)}" for one in values], fontsize=8)
            axes.set_title(title, fontsize=9)
            axes.set_xlim(0, 1.4 * max(values))
            axes.set_xticks([])
            axes.grid(visible=False)
        axes.invert_yaxis()
        plot_style.save_figure(figure, path)


def robustness(path: Path) -> None:
    """Draw the shipped network's scores on damaged pictures, from its record."""
    from realfake.evaluation.explanations import severity_curves  # takes TensorFlow's seconds

    record = read_json(PROJECT / "models/cifake/record.json")
    clean, *rows = (Condition(**row) for row in record["conditions"])
    example = np.asarray(Image.open(EXAMPLE).convert("RGB"))[None]
    shown = {
        kind: np.concatenate(
            [example, *(damage_pictures(example, kind, severity, SEED) for severity in SUITE[kind].severities)]
        )
        for kind in SUITE
    }
    titles = {kind: f"{kind}: {SUITE[kind].unit}" for kind in SUITE}
    found = Robustness(record["robust"]["pictures"], clean, tuple(rows))
    plot_style.save_figure(severity_curves(found, titles, shown), path)


def short(value: float) -> str:
    """A number with as many decimals as say something: 9,019 or 0.19."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
