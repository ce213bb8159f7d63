"""The demo in the browser: `python src/app.py`, then http://127.0.0.1:7860. An exported .tflite file answers.

It listens on this machine alone (--host opens it to others), keeps no picture for longer than ten minutes or so, and
needs no TensorFlow.
"""

import argparse
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.core.errors import UserError, run
from realfake.inference.demo import answer, facts, limits
from realfake.inference.detector import Detector, exported_model

if TYPE_CHECKING:
    import gradio

HERE = Path(__file__).resolve().parent
"""src/, or a folder that src/space.py wrote, which has the model and the examples in it."""
LARGEST = "20mb"
KEPT = 600
"""Seconds until an uploaded picture is deleted, and between two looks for such."""
WAITING = 20
"""Questions that may wait; more are told to come back."""
CSS = """
.gradio-container {max-width: 960px !important; margin: auto !important}
footer {display: none !important}
.given img {width: 100% !important; height: 100% !important; object-fit: contain !important}
.verdict h2 {margin: 0.2em 0}
"""


def build(detector: Detector, examples: Path) -> "gradio.Blocks":
    """The page.

    Args:
        detector: what answers.
        examples: a folder with pictures in fake/ and real/.
    """
    import gradio

    def ask(path: str | None) -> tuple[Any, ...]:
        return answer(detector, path)

    shown = sorted(examples.glob("fake/*.jpg"))[:4] + sorted(examples.glob("real/*.jpg"))[:4]
    with gradio.Blocks(title="REAL or FAKE?", analytics_enabled=False, delete_cache=(KEPT, KEPT)) as page:
        gradio.Markdown("# Photograph or generated?\nGive a picture; the network says how it looks to it, and where.")
        with gradio.Row():
            with gradio.Column():
                sources = ["upload", "clipboard", "webcam"]
                picture = gradio.Image(
                    label="Picture", type="filepath", sources=sources, height=340, elem_classes="given"
                )
                picture.preprocess = as_it_came
                picture.async_move_resource_to_block_cache = uploads_alone(picture.async_move_resource_to_block_cache)
            with gradio.Column():
                verdict = gradio.Markdown("## Waiting for a picture", elem_classes="verdict", elem_id="verdict")
                label = gradio.Label(label="Probability", num_top_classes=2, show_heading=False)
                with gradio.Row():
                    seen = gradio.Image(label="What the network sees", height=230, buttons=[])
                    where = gradio.Image(label="Where it looked", height=230, buttons=[])
                gradio.Markdown(
                    "Blue places speak for REAL, orange ones for FAKE (each was covered to see what changes)."
                )
        gradio.Examples([str(path) for path in shown], picture, label="Examples: four fakes, four photographs")
        gradio.Markdown(limits(detector.description))
        with gradio.Accordion("About this network", open=False):
            gradio.Markdown(facts(detector))
        picture.change(ask, picture, [verdict, label, seen, where], api_name="ask", concurrency_limit=1)
    page.queue(max_size=WAITING)
    return page


def as_it_came(payload: Any) -> str | None:
    """The uploaded file itself: gradio would decode and encode it, and compression is what the network reads."""
    return None if payload is None else str(payload.path)


def uploads_alone(move: Callable[[str], Awaitable[str | None]]) -> Callable[[str], Awaitable[str | None]]:
    """What brings an upload to its place, but no address: gradio would fetch one, of any size, for the API."""

    async def moved(path: str) -> str | None:
        if "://" in str(path):
            from gradio import Error

            raise Error("an address is not fetched; upload the picture itself", print_exception=False)
        return await move(path)

    return moved


def main() -> None:
    """Read the command line and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a .tflite or .onnx file (default: of the last export, else the shipped one)",
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")  # Hugging Face Spaces sets it
    parser.add_argument("--host", default=host, help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=7860, help="default 7860")
    arguments = parser.parse_args()
    packed = HERE / "model.tflite"
    detector = Detector(arguments.model or (packed if packed.is_file() else exported_model(HERE.parent)), threads=1)
    import gradio

    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])  # no fonts from the web
    page = build(detector, (HERE if packed.is_file() else HERE.parent) / "imgs")
    print(f"http://{arguments.host}:{arguments.port} answers with {detector.path}; Ctrl-C ends it", flush=True)
    try:
        page.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            max_file_size=LARGEST,
            quiet=True,
            share=False,
            ssr_mode=False,
            theme=theme,
            css=CSS,
            footer_links=[],
        )
    except OSError:
        raise UserError(f"port {arguments.port} is taken; give another one with --port") from None


if __name__ == "__main__":
    run(main)
