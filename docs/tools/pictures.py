"""Make the documentation's pictures from the present model: `python docs/tools/pictures.py [NAME ...]`.

What `make repro` left is shown: run it first. The demo and MLflow are shown by headless Chromium; the photograph is one
of the embedded sample's sources, in full size, from a Debian package. `make bench` draws benchmarks.png.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import browser
import figures
from project import PROJECT

from realfake.core.errors import UserError, run
from realfake.tracking.experiment_page import TRAINING_MODE
from realfake.tracking.run_link import find_run_link

DOCS = PROJECT / "docs"
PHOTOGRAPH = "chelsea-cat"
"""By Stefan van der Walt (CC0); of the sample's test half, so that no network of this project has learnt from it."""

TIDY = """
document.querySelectorAll("button[aria-label='Close']").forEach(button => button.click());
document.head.appendChild(Object.assign(document.createElement("style"), {textContent: ".modebar {display: none}"}));
"""
"""Closes MLflow's assistant, and hides the tools that lie over each of its charts where no mouse is."""


def photograph() -> Path:
    """The file of PHOTOGRAPH, which is fetched if it is not there yet."""
    sys.path.append(str(PROJECT / "sample"))
    from photographs import SampleError, fetch, read_list

    (one,) = [each for each in read_list() if each.group == PHOTOGRAPH]
    try:
        return one.path(fetch([one], PROJECT / ".cache/sample"))
    except SampleError as error:
        raise UserError(str(error)) from None


def predictions(path: Path) -> None:
    """Test pictures with what the network said, as evaluate drew them."""
    shutil.copyfile(PROJECT / "outputs/evaluation/figures/predictions.png", path)


def prediction(path: Path) -> None:
    """What the inference script draws of a photograph and of a fake of the sample."""
    script = [sys.executable, "src/localpredict/inference_script.py", str(photograph()), "imgs/fake/5.jpg"]
    subprocess.run([*script, "--output", str(path)], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


def demo(path: Path) -> None:
    """The demo with an answer about the photograph."""
    port = browser.free_port()
    command = [sys.executable, "src/app.py", "--port", str(port)]
    with browser.serving(command, port) as address, browser.window(1100, 625) as window:
        window.get(address)
        field = browser.wait(lambda: window.find_elements("css selector", "input[type=file]"), "the field for a file")
        field[0].send_keys(str(photograph()))
        large = "return [...document.querySelectorAll('img')].filter(i => i.naturalWidth == 256).length"
        browser.wait(lambda: window.execute_script(large) == 2, "the answer's two pictures")
        browser.save(window, path)


def mlflow(path: Path) -> None:
    """The run that made the present model, in MLflow."""
    link = find_run_link(PROJECT / "outputs/model")
    if link is None:
        raise UserError("nothing was trained here; `make repro` first")
    port = browser.free_port()
    command = [sys.executable, "src/ui.py", "--port", str(port)]
    with browser.serving(command, port) as address, browser.window(1300, 1020) as window:
        window.get(f"{address}/#/experiments/{link.experiment_id}/runs/{link.run_id}/model-metrics?{TRAINING_MODE}")
        field = browser.wait(lambda: window.find_elements("css selector", "input[placeholder*='metric']"), "the search")
        field[0].send_keys("^(train|val)_")
        window.execute_script(TIDY)
        drawn = "return document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length"
        browser.wait(lambda: window.execute_script(drawn) >= 5, "five curves")
        browser.save(window, path)


PICTURES: dict[str, Callable[[Path], None]] = {
    "predictions": predictions,
    "prediction": prediction,
    "robustness": figures.robustness,
    "formats": lambda path: figures.formats(PROJECT, path),
    "demo": demo,
    "mlflow": mlflow,
}


def main() -> None:
    """Make the pictures that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)}; all when none is given")
    names = parser.parse_args().names or list(PICTURES)
    if unknown := [name for name in names if name not in PICTURES]:
        raise UserError(f"no picture is called {unknown[0]}; expected names of {', '.join(PICTURES)}")
    for name in names:
        path = DOCS / f"{name}.png"
        PICTURES[name](path)
        print(f"{path.relative_to(PROJECT)}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    run(main)
