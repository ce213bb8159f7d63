"""Write the tables about networks: formats, ablation, damaged views, another generator."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox import median

Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]
NAMES = {
    "keras": "Keras",
    "onnx": "ONNX",
    "litert_fp32": "LiteRT float32",
    "litert_fp16": "LiteRT float16",
    "litert_dynamic": "LiteRT dynamic range",
    "litert_int8": "LiteRT int8",
}


def formats(result: Mapping[str, Any], table: Table) -> str:
    """Compare the exported formats of two networks."""
    head = ["format", "MB", "cold start, ms", "one picture, ms (p95)", "pictures/s", "accuracy", "lost", "max diff"]
    text = "## Formats\n\n`python benchmarks/run.py formats`: what `export` measures, two threads, batches of 64.\n"
    for title, found in result.items():
        best = found["formats"]["keras"]["accuracy"]
        rows = [
            [
                NAMES[name],
                f"{row['bytes'] / 1e6:.2f}",
                f"{row['cold_start_ms']:.0f}",
                f"{row['p50_ms']:.2f} ({row['p95_ms']:.2f})",
                f"{row['pictures_per_second']:,.0f}",
                f"{row['accuracy']:.2%}",
                f"{100 * (best - row['accuracy']):.2f} points",
                f"{row['max_difference']:.4f}",
            ]
            for name, row in found["formats"].items()
        ]
        text += f"\n{title}, {found['pictures']:,} test pictures of CIFAKE:\n\n{table(head, rows)}"
    return text


def ablation(result: Mapping[str, Any], table: Table) -> str:
    """Report an ablation of the native recipe."""
    rows = [
        [
            title,
            f"{row['weights'] / 1e6:.2f} M",
            f"{row['train_seconds']:.0f}",
            f"{row['accuracy']:.2%}",
            f"{row['accuracy_mirrored']:.2%}",
            f"{row['damaged_accuracy']:.2%}",
        ]
        for title, row in result["rows"].items()
    ]
    return (
        "## What each ingredient gives\n\n"
        f"`python benchmarks/run.py ablation`: {result['epochs']} epochs of {result['train']:,} pictures of CIFAKE's "
        f"train, one run each, scored on {result['val']:,} others (standard error 0.3 points; damaged: "
        f"{result['damaged']:,} of them in every way).\n\n"
        + table(["", "weights", "seconds", "val", "val, with mirror image", "val, damaged"], rows)
    )


def damage_cost(result: Mapping[str, Any], table: Table) -> str:
    """Report what damaged training views cost on clean pictures."""
    names = ("accuracy", "damaged_accuracy", "jpeg_40", "noise_0.1", "blur_0.6")
    rows = [
        [f"{row} damaged views", *(f"{found[name]:.2%}" for name in names)] for row, found in result["rows"].items()
    ]
    cost, pictures = result["cost"], result["rows"]["with"]["pictures"]
    mean, low, high = (100 * cost[name] for name in ("mean", "ci_low", "ci_high"))
    return (
        "## What damaged views cost\n\n"
        f"`python benchmarks/run.py damage_cost`: the shipped network, trained for {result['epochs']} more epochs on "
        f"all of CIFAKE's train, scored on the {pictures:,} pictures of val. On clean ones the views cost {mean:.2f} "
        f"points (95 % interval {low:.2f} to {high:.2f}).\n\n"
        + table(["", "val, clean", "val, damaged in every way", "JPEG q 40", "noise 0.1", "blur 0.6 px"], rows)
    )


def another_generator(result: Mapping[str, Any], table: Table) -> str:
    """Report the accuracy of the shipped network on the embedded sample, before and after training on it."""
    rows = [
        [
            title,
            *(f"{median([one[name] for one in runs]):.2%}" for name in ("accuracy", "fake_recall", "recall")),
            f"{median([one['roc_auc'] for one in runs]):.4f}",
            f"{median([one['seconds'] for one in runs]):.0f}" if "seconds" in runs[0] else "",
        ]
        for title, runs in result["rows"].items()
    ]
    seeds = f"medians of {result['seeds']} seeds" if result["seeds"] > 1 else "one seed"
    return (
        "## Another generator\n\n"
        f"`python benchmarks/run.py another_generator`: the shipped network (CIFAKE, Stable Diffusion) on the "
        f"{result['test']:,} test pictures of the embedded sample (a GAN), {seeds}. Rows name the recipe and "
        "the number of its training pictures; the epoch was chosen on a tenth as many pictures of val.\n\n"
        + table(["", "accuracy", "recall of fakes", "recall of photographs", "ROC-AUC", "seconds"], rows)
    )
