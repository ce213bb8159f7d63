"""The client prints a server's predictions; other servers are one line. tests/test_promote.py uses a real server."""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from conftest import PROJECT

from realfake.core.errors import UserError
from realfake.inference.scoring_client import classify_on_server, request_predictions


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("http://127.0.0.1:1", "mlflow models serve"),
        ("localhost", "mlflow models serve"),
        ("one prediction", "1 predictions for 24 pictures"),
        ("another protocol", "mlflow models serve"),
    ],
)
def test_another_server_is_explained_in_one_line(server, reason):
    answers = {"one prediction": b'HTTP/1.0 200 OK\r\n\r\n{"predictions": [[0.5]]}', "another protocol": b"SSH-2.0\r\n"}
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(1)
                with suppress(TimeoutError):
                    while connection.recv(2**20):
                        pass
                connection.sendall(answers[server])

        if server in answers:
            threading.Thread(target=answer, daemon=True).start()
            server_address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        else:
            server_address = server
        with pytest.raises(UserError, match=reason) as error:
            classify_on_server(server_address, [PROJECT / "imgs"], 32, 32, 0.5)
    assert "\n" not in str(error.value)


class Red(BaseHTTPRequestHandler):
    """Returns the mean of red as P(REAL) of each picture, or with `refuse` an error."""

    refuse = False

    def do_POST(self) -> None:
        pictures = np.array(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"])
        if self.refuse:
            self.send_error(400, explain="expected 48 x 48 pixels")
            return
        body = json.dumps({"predictions": [[float(red)] for red in pictures[..., 0].mean(axis=(1, 2))]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Red,), {})
    serving = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}", handler
    serving.shutdown()
    serving.server_close()


def test_every_picture_has_a_line_and_errors_are_counted(server, tmp_path, capsys):
    from PIL import Image

    for name in ("black", "red"):
        Image.new("RGB", (40, 40), name).save(tmp_path / f"{name}.png")
    (tmp_path / "text.jpg").write_text("text")
    assert classify_on_server(server[0], [tmp_path], 32, 32, 0.5) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"{tmp_path}/black.png: FAKE (100.0%)", f"{tmp_path}/red.png: REAL (100.0%)"]
    assert said.err.count("\n") == 1


def test_a_refusal_is_one_line_and_no_pictures_need_no_request(server):
    address, handler = server
    handler.refuse = True
    with pytest.raises(UserError, match="refuses") as error:
        request_predictions(address, np.zeros((1, 4, 4, 3), np.float32))
    assert "\n" not in str(error.value)
    assert request_predictions(address, np.zeros((0, 4, 4, 3), np.float32)) == []
