"""The demo's texts: classifications, unusable files, limits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from realfake.export.converters import ExportSource, write_format
from realfake.inference.demo import classify_upload, facts_table, limits_text
from realfake.inference.detector import Detector
from realfake.inference.metadata import Description

FIGURES = {"accuracy": 0.94, "accuracy_ci_low": 0.92, "accuracy_ci_high": 0.96}


@pytest.fixture(scope="module")
def detector(tmp_path_factory) -> Detector:
    """A detector that calls red pictures REAL."""
    import keras
    from keras import layers

    entrance = keras.Input((32, 32, 3))
    network = keras.Model(entrance, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(entrance)))
    network.layers[-1].set_weights([np.array([[4.0], [-4.0], [-4.0]]), np.zeros(1)])
    description = Description(32, 32, 0.5, "d" * 64, "m" * 64, FIGURES)
    source = ExportSource(network, np.zeros((1, 32, 32, 3), dtype=np.float32), description)
    return Detector(write_format("litert_fp32", source, tmp_path_factory.mktemp("model")))


def test_a_classification_has_a_verdict_probabilities_and_two_pictures(detector, tmp_path):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    verdict, probabilities, resized, evidence = classify_upload(detector, str(tmp_path / "red.png"))
    assert verdict.startswith("## REAL\n")
    assert "photograph (98.2%)" in verdict
    assert probabilities == pytest.approx({"FAKE": 0.018, "REAL": 0.982}, abs=1e-3)
    assert resized.shape == evidence.shape == (256, 256, 3)
    Image.new("RGB", (64, 64), (20, 20, 20)).save(tmp_path / "dark.png")
    verdict, *_ = classify_upload(detector, str(tmp_path / "dark.png"))
    assert verdict.startswith("## FAKE\n")
    assert "rather looks generated (57.8%)" in verdict


def test_an_unusable_file_gives_its_reason_and_nothing_else(detector, tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    verdict, *others = classify_upload(detector, str(tmp_path / "text.jpg"))
    assert "not a picture" in verdict
    assert others == [None] * 3
    assert classify_upload(detector, None)[1:] == (None, None, None)


def test_the_limits_name_resolution_and_error_rate(detector):
    text = limits_text(detector.description)
    assert "32 x 32 pixels" in text
    assert "6.0% of them (95 % interval 4.0% to 8.0%)" in text
    assert "not measured" in limits_text(Description(32, 32, 0.5, "d", "m", {}))
    assert f"| file | {Path(detector.path).name}," in facts_table(detector)
