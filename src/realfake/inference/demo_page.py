"""The demo's page in the browser, built with Gradio, which is imported when the page is made."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.core.errors import UserError
from realfake.inference.demo import answer, facts, limits
from realfake.inference.detector import Detector

if TYPE_CHECKING:
    import gradio

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


def serve(detector: Detector, examples: Path, host: str, port: int) -> None:
    """Serve the page at an address until Ctrl-C.

    Args:
        detector: what answers.
        examples: a folder with pictures in fake/ and real/.
        host: the address to listen on.
        port: likewise.

    Raises:
        UserError: the port is taken.
    """
    import gradio

    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])  # no fonts from the web
    page = build(detector, examples)
    print(f"http://{host}:{port} answers with {detector.path}; Ctrl-C ends it", flush=True)
    try:
        page.launch(
            server_name=host,
            server_port=port,
            max_file_size=LARGEST,
            quiet=True,
            share=False,
            ssr_mode=False,
            theme=theme,
            css=CSS,
            footer_links=[],
        )
    except OSError:
        raise UserError(f"port {port} is taken; give another one with --port") from None


def build(detector: Detector, examples: Path) -> "gradio.Blocks":
    """Build the page: a picture is given on the left, the answer stands on the right, examples and limits below.

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
                picture = _picture_field()
            with gradio.Column():
                answers = _answer_fields()
        gradio.Examples([str(path) for path in shown], picture, label="Examples: four fakes, four photographs")
        gradio.Markdown(limits(detector.description))
        with gradio.Accordion("About this network", open=False):
            gradio.Markdown(facts(detector))
        picture.change(ask, picture, answers, api_name="ask", concurrency_limit=1)
    page.queue(max_size=WAITING)
    return page


def _picture_field() -> "gradio.Image":
    """The field for the picture; its file reaches the network as it was uploaded."""
    import gradio

    sources = ["upload", "clipboard", "webcam"]
    picture = gradio.Image(label="Picture", type="filepath", sources=sources, height=340, elem_classes="given")
    picture.preprocess = as_it_came
    picture.async_move_resource_to_block_cache = uploads_alone(picture.async_move_resource_to_block_cache)
    return picture


def _answer_fields() -> list[Any]:
    """The fields for what `answer` returns: verdict, probabilities, what the network sees, where it looked."""
    import gradio

    verdict = gradio.Markdown("## Waiting for a picture", elem_classes="verdict", elem_id="verdict")
    label = gradio.Label(label="Probability", num_top_classes=2, show_heading=False)
    with gradio.Row():
        seen = gradio.Image(label="What the network sees", height=230, buttons=[])
        where = gradio.Image(label="Where it looked", height=230, buttons=[])
    gradio.Markdown("Blue places speak for REAL, orange ones for FAKE (each was covered to see what changes).")
    return [verdict, label, seen, where]


def as_it_came(payload: Any) -> str | None:
    """Return the path of the uploaded file itself.

    Gradio would decode and encode it, and compression is what the network reads.
    """
    return None if payload is None else str(payload.path)


def uploads_alone(move: Callable[[str], Awaitable[str | None]]) -> Callable[[str], Awaitable[str | None]]:
    """Make Gradio's function that brings an upload to its place refuse addresses.

    Gradio would fetch what a client of the API names, of any size and from any place that the server reaches.
    """

    async def moved(path: str) -> str | None:
        if "://" in str(path):
            from gradio import Error

            raise Error("an address is not fetched; upload the picture itself", print_exception=False)
        return await move(path)

    return moved
