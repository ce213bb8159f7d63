"""The demo in a real browser, and as a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from checkouts import environment
from conftest import PROJECT
from PIL import Image
from servers import free_port, stop

pytestmark = pytest.mark.slow
PATIENCE = 60


@contextmanager
def serving(folder: Path, script: str, log: Path, *arguments: str) -> Iterator[str]:
    """A demo that answers; its address."""
    pytest.importorskip("gradio")
    port = free_port()
    command = [sys.executable, script, "--port", str(port), *arguments]
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output, stderr=output)
    try:
        end = time.monotonic() + PATIENCE
        while not answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, "the demo did not start"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(server)


def answers(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).status == 200)
    except OSError:
        return False


@contextmanager
def browser(width: int, height: int):
    selenium = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium-driver)")
    options = selenium.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    window = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield window
    finally:
        window.quit()


def wait(window, words: str) -> str:
    """Wait until the verdict says something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        said = window.execute_script("return document.querySelector('#verdict')?.innerText || ''")
        if words in said:
            return said
        time.sleep(0.1)
    raise AssertionError(f"{words} did not appear; the page says {said}")


def until(holds, what: str) -> None:
    """Wait for what the page shows a moment after its verdict."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what} did not appear"
        time.sleep(0.1)


def upload(window, file: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not (fields := window.find_elements("css selector", "input[type=file]")):
        assert time.monotonic() < end
        time.sleep(0.1)
    fields[0].send_keys(str(file))


def asked_outside(window) -> set[str]:
    """Addresses on other machines that the page asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in window.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    return {url for url in urls if url.startswith("http") and not url.startswith("http://127.0.0.1")}


@pytest.fixture(scope="module")
def space(finished: Path, tmp_path_factory) -> Path:
    """The folder that `src/space.py` writes in a project whose pipeline has run, alone in the world."""
    done = subprocess.run(
        [sys.executable, "src/space.py", "--output", str(finished.parent / "space")],
        cwd=finished,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(shutil.move(finished.parent / "space", tmp_path_factory.mktemp("alone") / "space"))


def test_a_picture_is_answered_in_the_browser_and_bad_ones_with_a_message(space, tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    Image.effect_noise((6000, 6000), 90).convert("RGB").save(tmp_path / "big.png")
    assert (tmp_path / "big.png").stat().st_size > 20e6
    with serving(space, "app.py", tmp_path / "log") as address, browser(1280, 1300) as window:
        window.get(address)
        wait(window, "Waiting for a picture")
        upload(window, PROJECT / "imgs/fake/5.jpg")
        wait(window, "To the network it")
        shown = "return [...document.querySelectorAll('img')].filter(i => i.naturalWidth == 256).length"
        until(lambda: window.execute_script(shown) == 2, "the figures of what it sees, and where it looked")
        window.refresh()
        wait(window, "Waiting for a picture")
        upload(window, tmp_path / "text.jpg")
        assert "not a picture that Pillow can read" in wait(window, "This file cannot be used")
        window.refresh()
        wait(window, "Waiting for a picture")
        upload(window, tmp_path / "big.png")
        end = time.monotonic() + PATIENCE
        while "exceed the maximum" not in window.page_source and time.monotonic() < end:
            time.sleep(0.2)
        assert "exceed the maximum" in window.page_source
        window.refresh()
        wait(window, "Waiting for a picture")
        window.find_elements("css selector", "button.gallery-item")[0].click()
        wait(window, "To the network it")
        assert asked_outside(window) == set()
        window.save_screenshot(os.environ.get("SCREENSHOT", str(tmp_path / "page.png")))


def test_a_phone_shows_it_without_scrolling_sideways(space, tmp_path):
    with serving(space, "app.py", tmp_path / "log") as address, browser(390, 844) as window:
        window.get(address)
        wait(window, "Waiting for a picture")
        upload(window, PROJECT / "imgs/real/3.jpg")
        wait(window, "To the network it")
        wide, screen = window.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= screen
        place = window.execute_script("return document.querySelector('#verdict').getBoundingClientRect().top")
        assert place < 844, "the answer is on the first screen"


def test_an_address_is_not_fetched(space, tmp_path):
    """gradio would download what a client of its API names, of any size and from any place that the server reaches."""
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
    with serving(space, "app.py", tmp_path / "log") as address:
        for host in ("127.0.0.1", "localhost"):
            picture = {"path": f"http://{host}:{elsewhere.server_port}/big.jpg", "meta": {"_type": "gradio.FileData"}}
            body = json.dumps({"data": [picture]}).encode()
            asking = urllib.request.Request(
                f"{address}/gradio_api/call/ask", body, {"Content-Type": "application/json"}
            )
            event = json.loads(urllib.request.urlopen(asking, timeout=30).read())["event_id"]
            answer = urllib.request.urlopen(f"{address}/gradio_api/call/ask/{event}", timeout=30).read().decode()
            assert "event: error" in answer
            assert "not downloaded" in answer
    elsewhere.shutdown()
    assert asked == []


def test_a_port_that_is_taken_is_one_line(space, tmp_path):
    with serving(space, "app.py", tmp_path / "log") as address:
        command = [sys.executable, "app.py", "--port", address.rpartition(":")[2]]
        done = subprocess.run(command, cwd=space, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("--port")


def test_the_space_needs_no_more_than_it_says(space):
    assert {path.name for path in space.iterdir()} == {
        "app.py",
        "realfake",
        "model.tflite",
        "imgs",
        "requirements.txt",
        "README.md",
    }
    assert space.joinpath("README.md").read_text().startswith("---\ntitle: REAL or FAKE?\n")
    needed = [line.partition("==")[0] for line in (space / "requirements.txt").read_text().splitlines()]
    assert needed == ["ai-edge-litert", "gradio", "numpy", "pillow"]
    assert sum(file.stat().st_size for file in space.rglob("*") if file.is_file()) < 2**20
