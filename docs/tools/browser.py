"""Pages of local servers as pictures: headless Chromium, driven by Selenium."""

import io
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from PIL import Image
from project import PROJECT

from realfake.core.errors import UserError

PATIENCE = 90
"""Seconds for a server to start, or for a page to show something."""


@contextmanager
def serving(command: list[str], port: int) -> Iterator[str]:
    """Run a server in the project and yield its address; it ends with the block, and so does all that it started."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=PROJECT, **silent)
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: _answers(address) or server.poll() is not None, f"{command[0]} at {address}")
        if server.poll() is not None:
            raise UserError(f"`{' '.join(command)}` ended with {server.returncode}")
        yield address
    finally:
        for process in [*psutil.Process(server.pid).children(recursive=True), psutil.Process(server.pid)]:
            process.kill()
        server.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def window(width: int, height: int) -> Iterator[Any]:
    """A browser window of this many pixels.

    Raises:
        UserError: Chromium or its driver is not installed.
    """
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise UserError("Chromium and its driver are not installed (Debian: chromium-driver)")
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = chromium
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield opened
    finally:
        opened.quit()


def wait(happened: Callable[[], Any], what: str) -> Any:
    """Wait until `happened` gives something true, and give it.

    Raises:
        UserError: it did not happen within PATIENCE seconds.
    """
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        if time.monotonic() > end:
            raise UserError(f"waited in vain for {what}")
        time.sleep(0.2)
    return found


def save(opened: Any, path: Path) -> None:
    """Write what a window shows, without the metadata that a screenshot has."""
    Image.open(io.BytesIO(opened.get_screenshot_as_png())).convert("RGB").save(path, optimize=True)


def _answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(address, timeout=2).status == 200)
    except OSError:
        return False
