"""The demo's page without a browser (tests/test_app.py uses one): its fields, and which uploads it accepts."""

import asyncio
from types import SimpleNamespace

import pytest
from conftest import PROJECT

from realfake.inference.demo_page import build_page, refuse_addresses, uploaded_path
from realfake.inference.detector import SHIPPED, Detector

gradio = pytest.importorskip("gradio")


def test_the_page_has_results_limits_and_examples() -> None:
    page = build_page(Detector(PROJECT / SHIPPED), PROJECT / "imgs")
    config = page.get_config_file()
    (request,) = [dependency for dependency in config["dependencies"] if dependency["api_name"] == "ask"]
    assert len(request["outputs"]) == 4
    text = " ".join(str(part["props"].get("value")) for part in config["components"] if part["type"] == "markdown")
    assert "32 x 32 pixels" in text
    (examples,) = [part["props"] for part in config["components"] if part["type"] == "dataset"]
    assert len(examples["samples"]) == 8


def test_an_upload_is_used_as_the_file_that_it_is() -> None:
    assert uploaded_path(SimpleNamespace(path="/uploads/picture.jpg")) == "/uploads/picture.jpg"
    assert uploaded_path(None) is None


def test_addresses_are_refused_and_files_are_stored() -> None:
    async def move(path: str) -> str:
        return f"kept/{path}"

    guarded = refuse_addresses(move)
    assert asyncio.run(guarded("picture.jpg")) == "kept/picture.jpg"
    with pytest.raises(gradio.Error, match="not downloaded"):
        asyncio.run(guarded("http://127.0.0.1:1/big.jpg"))
