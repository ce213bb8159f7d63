"""The inference script and the HTTP client as commands, on real and on broken files."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT
from PIL import Image

from realfake.export.converters import ExportSource, write_format
from realfake.inference.metadata import Description

SCRIPT = PROJECT / "src/localpredict/inference_script.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A file of a network that calls red pictures REAL."""
    import keras
    from keras import layers

    entrance = keras.Input((32, 32, 3))
    answer = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(entrance))
    network = keras.Model(entrance, answer)
    network.layers[-1].set_weights([np.array([[8.0], [-4.0], [-4.0]]), np.zeros(1)])
    description = Description(32, 32, 0.5, "d" * 64, "m" * 64, {})
    source = ExportSource(network, np.zeros((1, 32, 32, 3), dtype=np.float32), description)
    return write_format("litert_fp32", source, tmp_path_factory.mktemp("model"))


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("red", "blue"):
        Image.new("RGB", (64, 48), name).save(folder / f"{name}.png")
    return folder


def predict(model: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--model", str(model), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_label_and_confidence_of_files_and_folders_and_a_figure(model, pictures, tmp_path):
    done = predict(model, pictures, pictures / "red.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    blue, red, again = done.stdout.splitlines()
    assert blue == f"{pictures}/blue.png: FAKE (98.2%)"
    assert red == again == f"{pictures}/red.png: REAL (100.0%)"
    with Image.open(tmp_path / "prediction.png") as figure:
        assert figure.width > 800
    assert done.stderr == "figure: prediction.png\n"


def test_json_for_programs(model, pictures, tmp_path):
    done = predict(model, pictures / "blue.png", "--json", "--threads", "1", cwd=tmp_path)
    (answer,) = json.loads(done.stdout)
    assert (answer["label"], answer["threshold"]) == ("FAKE", 0.5)
    assert answer["confidence"] == pytest.approx(1 - answer["probability_real"])
    assert list(tmp_path.iterdir()) == [pictures]


def test_what_cannot_be_used_is_a_line_each_and_the_rest_is_done(model, pictures, tmp_path):
    (pictures / "cut.png").write_bytes((pictures / "red.png").read_bytes()[:60])
    (tmp_path / "empty").mkdir()
    done = predict(model, tmp_path / "none.jpg", pictures, tmp_path / "empty", SCRIPT, "--no-plot", cwd=tmp_path)
    assert done.returncode == 1
    assert [line.rpartition(": ")[2] for line in done.stdout.splitlines()] == ["FAKE (98.2%)", "REAL (100.0%)"]
    missing, cut, empty, text = done.stderr.splitlines()
    assert missing == f"error: {tmp_path}/none.jpg: No such file or directory"
    assert cut.startswith(f"error: {pictures}/cut.png: damaged picture")
    assert empty.startswith(f"error: {tmp_path}/empty holds no pictures")
    assert text == f"error: {SCRIPT}: not a picture that Pillow can read"


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_picture_that_may_not_be_read_is_a_line(model, pictures, tmp_path):
    (pictures / "red.png").chmod(0)
    assert "Permission denied" in predict(model, pictures / "red.png", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--threads", "0"), "--threads is 0"),
        (("--output", "figure.txt"), ".png"),
        (("--output", "none/figure.png"), "none is not a folder"),
        (("--output", "figure.png", "--no-plot"), "--no-plot"),
        (("--model", "none.tflite"), "none.tflite is missing"),
    ],
)
def test_a_mistake_is_one_line(model, pictures, tmp_path, arguments, reason):
    done = predict(model, pictures / "red.png", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_other_package_is_needed(model, pictures, tmp_path):
    """Every import of what is not behind the four packages fails, as where they alone are installed."""
    blocker = f"""
import importlib.metadata as metadata, runpy, sys
wanted, allowed = ["ai-edge-litert", "pillow", "numpy", "matplotlib"], set()
while wanted:
    name = wanted.pop().lower()
    if name in allowed:
        continue
    allowed.add(name)
    try:
        needs = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        continue
    wanted += [n.split(";")[0].split("[")[0].split("<")[0].split(">")[0].split("=")[0].split("!")[0].strip()
               for n in needs if "extra ==" not in n]
owners = metadata.packages_distributions()
class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in owners and not allowed & {{owner.lower() for owner in owners[top]}}:
            raise ModuleNotFoundError(f"{{name}} is not installed here", name=name)
sys.meta_path.insert(0, Blocker())
sys.argv = [{str(SCRIPT)!r}, {str(pictures / "red.png")!r}, "--model", {str(model)!r}]
try:
    import yaml
except ModuleNotFoundError:
    runpy.run_path(sys.argv[0], run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", blocker], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "REAL (100.0%)" in done.stdout
    assert (tmp_path / "prediction.png").is_file()


def test_thousands_of_damaged_files_are_answered_or_refused_in_a_line(model, tmp_path):
    """Bytes flipped, cut, doubled and inserted in files of ten kinds: no traceback, no hang."""
    generator, folder = random.Random(1), tmp_path / "fuzz"
    folder.mkdir()
    whole = []
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8))
    for suffix in ("jpg", "png", "webp", "bmp", "gif", "tif", "ppm", "tga", "ico", "jp2"):
        picture.save(tmp_path / f"whole.{suffix}")
        whole.append((tmp_path / f"whole.{suffix}").read_bytes())
    for number in range(3000):
        data = bytearray(generator.choice(whole))
        for _ in range(generator.randint(1, 8)):
            place = generator.randrange(len(data))
            kind = generator.randrange(4)
            if kind == 0:
                data[place] = generator.randrange(256)
            elif kind == 1:
                del data[place : place + generator.randint(1, 64)]
            elif kind == 2:
                data[place:place] = data[: generator.randint(1, 64)]
            else:
                data[place:place] = bytes(generator.randrange(256) for _ in range(4))
            data = data or bytearray(b"x")
        (folder / f"{number}.jpg").write_bytes(data)
    done = predict(model, folder, "--no-plot", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines() + done.stderr.splitlines()
    assert len(lines) == 3000
    assert all(line.startswith((str(folder), f"error: {folder}")) for line in lines)
    assert done.returncode == 1
    assert 300 < len(done.stdout.splitlines()) < 2700, "some are answered, some refused"


CLIENT = PROJECT / "src/localpredict/http_client.py"


def test_the_client_skips_what_is_no_picture(tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    command = [sys.executable, str(CLIENT), str(tmp_path), "--server", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == f"error: {tmp_path / 'text.jpg'}: not a picture that Pillow can read"
