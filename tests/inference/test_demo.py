"""What the demo says of good files and bad ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from realfake.export.converters import ExportSource, write_format
from realfake.inference.demo import answer, facts, limits
from realfake.inference.detector import Detector
from realfake.inference.metadata import Description

FIGURES = {"accuracy": 0.94, "accuracy_ci_low": 0.92, "accuracy_ci_high": 0.96}


@pytest.fixture(scope="module")
def detector(tmp_path_factory) -> Detector:
    """Red pictures are REAL to it."""
    import keras
    from keras import layers

    entrance = keras.Input((32, 32, 3))
    network = keras.Model(entrance, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(entrance)))
    network.layers[-1].set_weights([np.array([[4.0], [-4.0], [-4.0]]), np.zeros(1)])
    description = Description(32, 32, 0.5, "d" * 64, "m" * 64, FIGURES)
    source = ExportSource(network, np.zeros((1, 32, 32, 3), dtype=np.float32), description)
    return Detector(write_format("litert_fp32", source, tmp_path_factory.mktemp("model")))


def test_an_answer_has_words_numbers_and_two_pictures(detector, tmp_path):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    verdict, labels, seen, where = answer(detector, str(tmp_path / "red.png"))
    assert verdict == "## REAL\nTo the network it looks like a photograph (98.2%)."
    assert labels == pytest.approx({"FAKE": 0.018, "REAL": 0.982}, abs=1e-3)
    assert seen.shape == where.shape == (256, 256, 3)
    Image.new("RGB", (64, 64), (20, 20, 20)).save(tmp_path / "dark.png")
    assert (
        answer(detector, str(tmp_path / "dark.png"))[0] == "## FAKE\nTo the network it rather looks generated (57.8%)."
    )


def test_what_is_no_picture_is_said_and_clears_the_rest(detector, tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    said = answer(detector, str(tmp_path / "text.jpg"))
    assert said == ("## This file cannot be used\nnot a picture that Pillow can read.", None, None, None)
    assert answer(detector, None) == ("## Waiting for a picture", None, None, None)


def test_limits_are_those_of_the_network(detector):
    said = limits(detector.description)
    assert "It sees 32 x 32 pixels." in said
    assert "it erred on 6.0% of them\n" in said.replace(" (95", "\n(95")
    assert "(95 % interval 4.0% to 8.0%)" in said
    assert "was not measured" in limits(Description(32, 32, 0.5, "d", "m", {}))
    assert f"| file | {Path(detector.path).name}," in facts(detector)
