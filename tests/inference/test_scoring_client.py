"""A scoring server's answers are told; what is no such server is one line. tests/test_promote.py asks a real one."""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from conftest import PROJECT

from realfake.core.errors import UserError
from realfake.inference.scoring_client import ask, ask_for_all


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("http://127.0.0.1:1", "does not answer as `mlflow models serve` does"),
        ("localhost", "does not answer as `mlflow models serve` does"),
        ("a line", "gives 1 answers for 24 pictures"),
        ("nothing", "does not answer as `mlflow models serve` does"),
    ],
)
def test_a_server_that_is_none_is_one_line(server, reason):
    answers = {"a line": b'HTTP/1.0 200 OK\r\n\r\n{"predictions": [[0.5]]}', "nothing": b"SSH-2.0\r\n"}
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
            ask_for_all(server_address, [PROJECT / "imgs"], 32, 32, 0.5)
    assert "\n" not in str(error.value)


class Red(BaseHTTPRequestHandler):
    """Answers with the mean of red, for as many pictures as were sent; `refuse` says what is wrong instead."""

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


def test_every_picture_gets_its_answer_and_bad_ones_are_counted(server, tmp_path, capsys):
    from PIL import Image

    for name in ("black", "red"):
        Image.new("RGB", (40, 40), name).save(tmp_path / f"{name}.png")
    (tmp_path / "text.jpg").write_text("text")
    assert ask_for_all(server[0], [tmp_path], 32, 32, 0.5) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"{tmp_path}/black.png: FAKE (100.0%)", f"{tmp_path}/red.png: REAL (100.0%)"]
    assert said.err.count("\n") == 1


def test_a_refusal_is_one_line_and_nothing_is_asked_for_nothing(server):
    address, handler = server
    handler.refuse = True
    with pytest.raises(UserError, match="refuses the pictures") as error:
        ask(address, np.zeros((1, 4, 4, 3), np.float32))
    assert "\n" not in str(error.value)
    assert ask(address, np.zeros((0, 4, 4, 3), np.float32)) == []
