"""Tables about time: training, reading, searching, answering; beside those of report_networks.py."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import median

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _spread(values: Sequence[float], digits: int = 0) -> str:
    low, high = min(values), max(values)
    return f"{median(list(values)):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def deck_recipe(result: Mapping[str, Any]) -> str:
    """Compare the talk's recipe with a tutorial's script."""
    seconds = {name: median(values) for name, values in result["seconds"].items()}
    rows = [
        [name, _spread(values), *(f"{seconds[peer] / seconds[name]:.1f}" for peer in list(seconds)[:2])]
        for name, values in result["seconds"].items()
    ]
    return (
        "## The talk's recipe (deck), five epochs\n\n"
        f"`python benchmarks/run.py deck_recipe`: {result['pictures']:,} CIFAKE pictures (a tenth of them val). "
        "`deck` is the recipe of the talk this project grew out of: ResNet50 at 128 px, last 10 layers trained. "
        "Seconds of a whole process with start, training and saving; ours also logs to MLflow. Not included: unpacking "
        "the tutorial's JPEG files, and our preprocess (see Reading pictures). Without pretrained weights neither "
        "network learns anything in so few steps. The tutorial's unfrozen BatchNormalization layers use "
        "batch statistics, ours those of the pretrained weights.\n\n"
        + table(["", "seconds", "times as fast as written", "as tuned"], rows)
    )


def time_to_accuracy(result: Mapping[str, Any]) -> str:
    """Compare the time to the accuracy of the talk."""
    ours = sum(median(values) for values in result["seconds"].values())
    deck = result["deck_seconds_extrapolated"]
    rows = [
        [f"deck, 5 epochs of 100,000, {manner} (extrapolated)", f"{seconds / 60:,.0f}", "86.76 % (its best on val)"]
        for manner, seconds in deck.items()
    ]
    low, high = result["interval"]
    reached = f"{result['test_accuracy']:.2%} ({low:.2%} to {high:.2%}) on test"
    rows.append(["resnet20, 1 epoch, with preprocess (measured)", f"{ours / 60:.1f}", reached])
    factors = " and ".join(f"{seconds / ours:.0f}" for seconds in deck.values())
    verdict = (
        f"resnet20 is {factors} times as fast."
        if result["test_accuracy"] >= result["target"]
        else "The target was missed."
    )
    return (
        "## Time to the talk's accuracy\n\n"
        "`python benchmarks/run.py time_to_accuracy`: all of CIFAKE's train, 2,000 test pictures. The minutes of "
        f"the talk's recipe (deck) are those of its epochs in the benchmark above, times 100,000 / 3,000. {verdict}\n\n"
        + table(["", "minutes", "accuracy"], rows)
    )


def cache_filling(result: Mapping[str, Any]) -> str:
    """Report what limits the filling of the feature cache."""
    taken = {name: median(values) for name, values in result["taken"].items()}
    operations = result["operations_per_picture_1e9"]
    matrix, bare, fill, memory, tail = taken.values()
    return (
        "## What limits the feature cache\n\n"
        "`python benchmarks/run.py cache_filling`: ResNet50 at 128 px up to conv5_block2_out, in one process.\n\n"
        + table(["", "median (smallest to largest)"], [[n, _spread(v)] for n, v in result["taken"].items()])
        + f"\nFilling reaches {fill / bare:.2f} of the bare forward pass (the first time, with TensorFlow's tracing: "
        f"{result['first_filling']:.0f} pictures/s). The bare pass does {operations:.2f}e9 operations a "
        f"picture, {bare * operations / matrix:.0%} of the machine's matrix rate. The trained layers (tail) on cached "
        f"features reach {tail / memory:.2f} of their speed on data in memory.\n"
    )


def runtimes(result: Mapping[str, Any]) -> str:
    """Compare runtimes for the frozen layers."""
    speeds = result["pictures_per_second"]
    base = median(speeds["tensorflow"])
    rows = [
        [
            name,
            _spread(values),
            f"{median(values) / base:.2f}",
            f"{result['relative_error'][name]:.1e}",
            f"{median(result['train_seconds'][name]):.0f}",
        ]
        for name, values in speeds.items()
    ]
    return (
        "## Faster runtimes for the frozen layers\n\n`python benchmarks/run.py runtimes`: `train.cache.runtime`, "
        "ResNet50 at 128 px up to conv5_block2_out. Random weights amplify rounding; the accuracy that "
        'a trained network loses is in "Views and runtimes" below. A whole run includes the conversion.\n\n'
        + table(["runtime", "pictures/s", "ratio", "mean difference / mean size", "whole `train`, 5 epochs, s"], rows)
    )


def input_pipeline(result: Mapping[str, Any]) -> str:
    """Compare ways to read pictures."""
    waiting = result["waiting"]
    trained, memory, waits = waiting.values()
    return (
        "## Reading pictures\n\n"
        f"`python benchmarks/run.py input_pipeline`: an epoch is {result['pictures']:,} real CIFAKE pictures.\n\n"
        + table(["", "seconds"], [[name, _spread(values, 1)] for name, values in result["seconds"].items()])
        + f"\nA ResNet-20 trains on {_spread(trained)} pictures/s and waits "
        f"{_spread([100 * wait for wait in waits], 1)} % of the time for its batches; "
        f"on one batch kept in memory it trains on {_spread(memory)}. The talk's ResNet50 without a cache waits "
        f"{100 * result['at_128']:.1f} % of the time for pictures of 128 px.\n"
    )


def sweep_cost(result: Mapping[str, Any]) -> str:
    """Compare a sweep with and without a shared cache."""
    rows = [[name, _spread(values, 1)] for name, values in result["seconds"].items()]
    rows.append(["filling the shared cache, once", f"{result['filling_seconds']:.1f}"])
    without, shared = result["thirty_trials_no_cache"], result["thirty_trials_shared_cache"]
    rows.append(["30 trials, no cache (computed from the above)", f"{without:,.0f}"])
    rows.append(["30 trials, shared cache (computed from the above)", f"{shared:,.0f}"])
    return (
        "## A sweep over unfreeze depth\n\n"
        f"`python benchmarks/run.py sweep_cost`: ResNet50 at 128 px, {result['pictures']:,} pictures, "
        f"{result['epochs']} epochs a trial; all depths share one cache, of the layers before depth 32. "
        f"Ratio {without / shared:.1f}.\n\n" + table(["", "seconds"], rows)
    )


def transfer(result: Mapping[str, Any]) -> str:
    """Report the accuracy lost by few augmented views and by other runtimes."""
    pictures = result["pictures"]
    seeds = "one seed" if result["seeds"] == 1 else f"medians of {result['seeds']} seeds"
    rows = [
        [
            name,
            f"{row['val_accuracy']:.2%}",
            f"{row['test_accuracy']:.2%}",
            f"{row['seconds']:.0f}",
            f"{row['filling_seconds']:.0f}",
        ]
        for name, row in result["rows"].items()
    ]
    return (
        "## Views and runtimes: what they cost in accuracy\n\n"
        "`python benchmarks/run.py transfer`: ResNet-20 pretrained on CIFAR's classes, last stage fine-tuned "
        f"for {result['epochs']} epochs on {pictures['train']:,} pictures of CIFAKE; val {pictures['val']:,}, test "
        f"{pictures['test']:,} (standard errors of 0.3 and 0.7 points); {seeds}; augmentation strength 0.4 where "
        "there are views. The network is evaluated in TensorFlow.\n\n"
        + table(["", "val", "test", "seconds", "of them filling"], rows)
    )


def search(result: Mapping[str, Any]) -> str:
    """Compare a sweep with random search, and the pruners."""
    swept, random, best = result["default"], result["random"], result["best"]
    values = sorted((trial["value"] for trial in random), reverse=True)
    counts = {state: sum(trial["state"] == state for trial in swept) for state in ("complete", "pruned")}
    found = ", ".join(f"{name} {value}" for name, value in best.items() if name not in ("trial", "value"))
    weights = {name.partition("/")[2]: part for name, part in result["figures"].items() if "importance/" in name}
    mattered = ", ".join(f"{name} {part:.0%}" for name, part in weights.items())
    saved = result["figures"]["seconds_saved_by_pruning"]
    memory = [trial["memory_mb"] for trial in swept if trial["memory_mb"] == trial["memory_mb"]]
    rows = [
        [
            "`python src/tune.py --trials 30 --jobs 2`",
            f"{len(swept)} ({counts['pruned']} pruned)",
            f"{best['value']:.2%}",
        ],
        ["random search without pruning, as many epochs", str(len(random)), f"{values[0]:.2%}"],
    ]
    pruners = [
        [name, f"{figures['epochs']:.0%}", f"{figures['regret']:.2%}"] for name, figures in result["pruners"].items()
    ]
    return (
        "## A sweep of thirty trials\n\n"
        f"`python benchmarks/run.py search`: the resnet20 recipe, {result['epochs']} epochs of "
        f"{result['fraction']:.0%} of CIFAKE's train, scored on all of val; one sweep of each, "
        f"{result['seconds'] / 60:.0f} minutes.\n\n"
        + table(["", "finished trials", "best on val"], rows)
        + f"\nBest: {found}. Importance: {mattered}. Pruning saved about {saved / 60:.0f} minutes of the "
        f"workers' time. The worker's memory after its first trial {memory[0]:,.0f} MB, "
        f"after its last {memory[-1]:,.0f} MB.\n\n"
        f"Each pruner on the {len(random)} curves of random search, thirty at a time in 100 random orders, drawn with "
        "replacement (simulated): the share of the epochs that is trained, and the loss of the best value.\n\n"
        + table(["pruner", "epochs trained", "lost"], pruners)
    )


def first_answer(result: Mapping[str, Any]) -> str:
    """Report the seconds to the first prediction."""
    usual = median(result["seconds"]["Keras script"])
    rows = [[name, _spread(values, 2), f"{usual / median(values):.1f}"] for name, values in result["seconds"].items()]
    return (
        "## The first answer\n\n"
        "`python benchmarks/run.py first_answer`: seconds of a whole process that classifies one picture with the "
        "network of the quick recipe.\n\n" + table(["", "seconds", "times as fast"], rows)
    )


def serving(result: Mapping[str, Any]) -> str:
    """Report the speed of the champion over HTTP."""
    served, file = result["latency_ms"], result["file_latency_ms"]
    rows = [["latency of one picture, ms (p95)", f"{served['p50']:.1f} ({served['p95']:.1f})"]]
    rows += [[f"pictures/s, {name}", f"{rate:,.0f}"] for name, rate in result["pictures_per_second"].items()]
    rows += [
        ["in one process: latency, ms (p95)", f"{file['p50']:.2f} ({file['p95']:.2f})"],
        ["in one process: pictures/s, batches of 64", f"{result['file_pictures_per_second']:,.0f}"],
    ]
    return (
        "## The champion over HTTP\n\n"
        "`python benchmarks/run.py serving`: `mlflow models serve` on two cores, clients on the same two; below it the "
        f"LiteRT file in one process. MLflow takes pictures as JSON, {result['bytes']['1'] / 1e3:,.0f} kB each.\n\n"
        + table(["", ""], rows)
    )
