"""The demo's page without a browser (tests/test_app.py has one): what stands on it, and what it takes."""

import asyncio
from types import SimpleNamespace

import pytest
from conftest import PROJECT

from realfake.inference.demo_page import as_it_came, build, uploads_alone
from realfake.inference.detector import SHIPPED, Detector

gradio = pytest.importorskip("gradio")


def test_the_page_asks_the_detector_and_tells_its_limits() -> None:
    page = build(Detector(PROJECT / SHIPPED), PROJECT / "imgs")
    config = page.get_config_file()
    (asked,) = [dependency for dependency in config["dependencies"] if dependency["api_name"] == "ask"]
    assert len(asked["outputs"]) == 4
    told = " ".join(str(part["props"].get("value")) for part in config["components"] if part["type"] == "markdown")
    assert "What this is good for, and what not" in told
    (examples,) = [part["props"] for part in config["components"] if part["type"] == "dataset"]
    assert len(examples["samples"]) == 8


def test_an_upload_stays_the_file_that_it_was() -> None:
    assert as_it_came(SimpleNamespace(path="/uploads/picture.jpg")) == "/uploads/picture.jpg"
    assert as_it_came(None) is None


def test_addresses_are_refused_and_files_are_moved() -> None:
    async def move(path: str) -> str:
        return f"kept/{path}"

    guarded = uploads_alone(move)
    assert asyncio.run(guarded("picture.jpg")) == "kept/picture.jpg"
    with pytest.raises(gradio.Error, match="an address is not fetched"):
        asyncio.run(guarded("http://127.0.0.1:1/big.jpg"))
