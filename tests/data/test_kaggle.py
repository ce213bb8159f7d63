"""Downloading CIFAKE from Kaggle with kagglehub's own client, against a local server that imitates Kaggle."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from archives import contents, write_folder, write_zip
from fetching import pictures, run_fetch, versioned

from realfake.core.errors import UserError
from realfake.data.kaggle import download

OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Make a project without DVC and without data, for commands that end before they need them."""
    return write_folder(tmp_path / "project", {"dvc.yaml": b"", "data.dvc": b"old"})


def test_without_a_network_the_error_names_the_alternatives(empty: Path) -> None:
    result = run_fetch(empty, **OFFLINE)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    for way in ("no connection to Kaggle", "KAGGLE_API_TOKEN", "--from PATH", "--sample"):
        assert way in result.stderr


def test_too_little_disk_space_is_an_error_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realfake.data.kaggle.SPACE", 10**18)
    with pytest.raises(UserError, match="1,000,000,000,000 MB"):
        download(tmp_path / "download")


class Kaggle(BaseHTTPRequestHandler):
    """Imitate Kaggle behind a proxy: answer with a version, then a zip; with `cut` the first transfer is cut off."""

    packed = b""
    status = 200
    cut = False
    ranges: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.status != 200:
            self.send_error(self.status)
        elif self.path.endswith("/GetDataset"):
            self.answer(200, json.dumps({"currentVersionNumber": 3}).encode(), "application/json")
        else:
            self.do_GET()

    def do_GET(self) -> None:
        kind, wanted = type(self), self.headers.get("Range", "bytes=0-")
        kind.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.answer(206 if start else 200, self.packed[start:], "application/zip")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        for header, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Accept-Ranges", "bytes")):
            self.send_header(header, value)
        self.end_headers()
        if self.cut and kind == "application/zip":
            type(self).cut, body = False, body[:1_500_000]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def kaggle() -> Iterator[tuple[type[Kaggle], dict[str, str]]]:
    handler = type("Handler", (Kaggle,), {"ranges": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.server_port}"
    yield handler, OFFLINE | {"HTTP_PROXY": proxy, "http_proxy": proxy, "KAGGLE_API_ENVIRONMENT": "LOCALHOST"}
    server.shutdown()
    server.server_close()


def test_a_refusal_by_kaggle_is_a_one_line_error(empty: Path, kaggle: tuple[type[Kaggle], dict[str, str]]) -> None:
    handler, environment = kaggle
    handler.status = 403
    result = run_fetch(empty, **environment)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "(403" in result.stderr
    assert "KAGGLE_API_TOKEN" in result.stderr


@pytest.mark.slow
def test_an_interrupted_download_is_resumed(tmp_path: Path, kaggle: tuple[type[Kaggle], dict[str, str]]) -> None:
    project, (handler, environment) = versioned(tmp_path / "project"), kaggle
    found = pictures(1, side=900)
    handler.packed, handler.cut = write_zip(tmp_path / "archive.zip", found).read_bytes(), True
    result = run_fetch(project, **environment)
    assert result.returncode == 1
    assert "no connection to Kaggle" in result.stderr.splitlines()[-1]
    result = run_fetch(project, **environment)
    assert result.returncode == 0, result.stderr
    assert handler.ranges[-1] == "bytes=1048576-"  # kagglehub writes whole mebibytes
    assert contents(project / "data/pictures.tar.gz") == found
    assert not list((project / ".cache/fetch").iterdir())
