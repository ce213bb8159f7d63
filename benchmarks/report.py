"""Write docs/benchmarks.md and docs/benchmarks.png from the results in benchmarks/results."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import report_networks
import report_speed
from sandbox import PROJECT, median

from realfake.core.errors import run
from realfake.core.files import atomic_file

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Write the tables of all existing results, and the figure if the results for all its panels exist."""
    text = tables()
    with atomic_file(PROJECT / "docs/benchmarks.md") as file:
        file.write(text.encode())
    print(text)
    results = {name: entry["result"] for name, entry in _found().items()}
    if {"deck_recipe", "sweep_cost", "runtimes", "input_pipeline"} <= set(results):
        _draw(results, PROJECT / "docs/benchmarks.png")


def tables() -> str:
    """Return the contents of docs/benchmarks.md: a section for each benchmark with a result."""
    found = _found()
    sections = [TABLES[name](found[name]["result"]) + _made_on(found[name]) for name in TABLES if name in found]
    return "\n".join(["# Benchmarks\n\nWritten by `make bench`: medians (smallest to largest value).\n", *sections])


def _found() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


def _made_on(entry: Mapping[str, Any]) -> str:
    tags = entry["machine"]
    versions = ", ".join(f"{name} {tags[name]}" for name in ("tensorflow", "keras", "onnxruntime") if name in tags)
    where = f"{tags['cpu']}, {tags['threads']} cores, {tags['instruction_set']}"
    changed = " with changes" if entry["git_dirty"] == "true" else ""
    return f"\n*{where}; {versions}; commit {entry['git'][:8]}{changed}*\n"


def _draw(results: Mapping[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    from realfake.core import plot_style

    sweep = {name: [results["sweep_cost"][f"thirty_trials_{name}"]] for name in ("no_cache", "shared_cache")}
    panels = [
        ("Deck's recipe, 5 epochs (s)", results["deck_recipe"]["seconds"]),
        ("30 trials over depth, worked out (s)", {k.replace("_", " "): v for k, v in sweep.items()}),
        ("ResNet50's frozen layers (pictures/s)", results["runtimes"]["pictures_per_second"]),
        ("One pass over CIFAKE's train (s)", results["input_pipeline"]["seconds"]),
    ]
    with plot_style.project_style():
        figure = Figure(figsize=(11, 6.4), layout="constrained")
        for axes, (title, bars) in zip(figure.subplots(2, 2).flat, panels, strict=True):
            middles = [median(values) for values in bars.values()]
            ours = [not name.startswith("tutorial") and name not in ("no cache", "train, no cache") for name in bars]
            names = [textwrap.fill(name, 22) for name in bars]
            axes.barh(names, middles, color=[plot_style.BLUE if mine else plot_style.GREY for mine in ours])
            axes.bar_label(axes.containers[0], [f" {value:,.{0 if value > 20 else 1}f}" for value in middles])
            axes.invert_yaxis()
            axes.set_title(title)
            axes.margins(x=0.15)
            axes.grid(axis="y", visible=False)
        plot_style.save_figure(figure, path)


TABLES = {
    "deck_recipe": report_speed.deck_recipe,
    "time_to_accuracy": report_speed.time_to_accuracy,
    "cache_filling": report_speed.cache_filling,
    "runtimes": report_speed.runtimes,
    "sweep_cost": report_speed.sweep_cost,
    "search": report_speed.search,
    "input_pipeline": report_speed.input_pipeline,
    "transfer": report_speed.transfer,
    "first_answer": report_speed.first_answer,
    "serving": report_speed.serving,
    "formats": lambda result: report_networks.formats(result, report_speed.table),
    "ablation": lambda result: report_networks.ablation(result, report_speed.table),
    "damage_cost": lambda result: report_networks.damage_cost(result, report_speed.table),
    "another_generator": lambda result: report_networks.another_generator(result, report_speed.table),
}


if __name__ == "__main__":
    run(main)
