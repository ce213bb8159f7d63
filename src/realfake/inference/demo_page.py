"""Build and serve the demo's page with Gradio, which is imported only when the page is built."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realfake.core.errors import UserError
from realfake.inference.demo import classify_upload, facts_table, limits_text
from realfake.inference.detector import Detector

if TYPE_CHECKING:
    import gradio

MAX_UPLOAD = "20mb"
"""Largest file that may be uploaded, as Gradio spells it."""
DELETE_AFTER = 600
"""Age in seconds at which an uploaded picture is deleted, and the interval at which Gradio looks for such pictures."""
QUEUE_SIZE = 20
"""Requests that may wait; further ones are refused with a message."""
CSS = """
.gradio-container {max-width: 960px !important; margin: auto !important}
footer {display: none !important}
.given img {width: 100% !important; height: 100% !important; object-fit: contain !important}
.verdict h2 {margin: 0.2em 0}
"""


def serve(detector: Detector, examples: Path, host: str, port: int) -> None:
    """Serve the page until Ctrl-C.

    Args:
        detector: the model to use.
        examples: a folder with example pictures in fake/ and real/.
        host: the address to listen on.
        port: the port to listen on.

    Raises:
        UserError: the port is taken.
    """
    import gradio

    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])  # no fonts from the web
    page = build_page(detector, examples)
    print(f"the demo runs at http://{host}:{port} with {detector.path}; Ctrl-C stops it", flush=True)
    try:
        page.launch(
            server_name=host,
            server_port=port,
            max_file_size=MAX_UPLOAD,
            quiet=True,
            share=False,
            ssr_mode=False,
            theme=theme,
            css=CSS,
            footer_links=[],
        )
    except OSError:
        raise UserError(f"port {port} is in use; choose another one with --port") from None


def build_page(detector: Detector, examples: Path) -> "gradio.Blocks":
    """Build the page: upload on the left, classification on the right, examples and limits below.

    Args:
        detector: the model to use.
        examples: a folder with example pictures in fake/ and real/.
    """
    import gradio

    def ask(path: str | None) -> tuple[Any, ...]:
        return classify_upload(detector, path)

    shown = sorted(examples.glob("fake/*.jpg"))[:4] + sorted(examples.glob("real/*.jpg"))[:4]
    with gradio.Blocks(
        title="REAL or FAKE?", analytics_enabled=False, delete_cache=(DELETE_AFTER, DELETE_AFTER)
    ) as page:
        gradio.Markdown(
            "# Photograph or generated?\nGive a picture; the network says which of the two it looks like, and why."
        )
        with gradio.Row():
            with gradio.Column():
                picture = _picture_field()
            with gradio.Column():
                results = _result_fields()
        gradio.Examples([str(path) for path in shown], picture, label="Examples: four fakes, four photographs")
        gradio.Markdown(limits_text(detector.description))
        with gradio.Accordion("About this network", open=False):
            gradio.Markdown(facts_table(detector))
        picture.change(ask, picture, results, api_name="ask", concurrency_limit=1)
    page.queue(max_size=QUEUE_SIZE)
    return page


def _picture_field() -> "gradio.Image":
    """Make the upload field; the picture's file reaches the detector unchanged."""
    import gradio

    sources = ["upload", "clipboard", "webcam"]
    picture = gradio.Image(label="Picture", type="filepath", sources=sources, height=340, elem_classes="given")
    picture.preprocess = uploaded_path
    picture.async_move_resource_to_block_cache = refuse_addresses(picture.async_move_resource_to_block_cache)
    return picture


def _result_fields() -> list[Any]:
    """Make the fields for what `classify_upload` returns: verdict, probabilities, resized picture, occlusion map."""
    import gradio

    verdict = gradio.Markdown("## Waiting for a picture", elem_classes="verdict", elem_id="verdict")
    label = gradio.Label(label="Probability", num_top_classes=2, show_heading=False)
    with gradio.Row():
        seen = gradio.Image(label="What the network sees", height=230, buttons=[])
        where = gradio.Image(label="Where it looked", height=230, buttons=[])
    gradio.Markdown(
        "Blue areas speak for REAL, orange ones for FAKE: each was covered in turn to see how the prediction changes."
    )
    return [verdict, label, seen, where]


def uploaded_path(payload: Any) -> str | None:
    """Return the path of the uploaded file itself; None if there is none.

    Gradio would decode the picture and encode it again, which changes the traces of compression that the network uses.
    """
    return None if payload is None else str(payload.path)


def refuse_addresses(move: Callable[[str], Awaitable[str | None]]) -> Callable[[str], Awaitable[str | None]]:
    """Wrap Gradio's function that stores an upload so that it refuses addresses.

    Gradio would download any address that a client of the API names, of any size and from any host that the server
    reaches.
    """

    async def moved(path: str) -> str | None:
        if "://" in str(path):
            from gradio import Error

            raise Error("addresses are not downloaded; upload the picture itself", print_exception=False)
        return await move(path)

    return moved
