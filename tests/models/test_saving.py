"""A saved network has reproducible bytes, and a loaded one predicts P(REAL)."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import PROJECT, toy_pictures

from realfake.core.errors import UserError
from realfake.models.builder import build_network
from realfake.models.saving import load_network, predict, save_network, to_float32


@pytest.mark.slow
def test_saving_twice_and_in_another_process_gives_the_same_bytes(train_params, tmp_path):
    network = build_network(train_params)
    save_network(network, tmp_path / "a.keras")
    save_network(load_network(tmp_path / "a.keras"), tmp_path / "b.keras")
    code = (
        "import sys; from pathlib import Path; from realfake.models.saving import *\n"
        "save_network(load_network(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    files = [str(tmp_path / name) for name in ("a.keras", "c.keras")]
    subprocess.run([sys.executable, "-c", code, *files], check=True, env={"PYTHONPATH": str(PROJECT / "src")})
    first = (tmp_path / "a.keras").read_bytes()
    assert (tmp_path / "b.keras").read_bytes() == first
    assert (tmp_path / "c.keras").read_bytes() == first
    pictures, _ = toy_pictures(8, seed=0)
    assert np.array_equal(predict(load_network(tmp_path / "a.keras"), pictures), predict(network, pictures))


def test_prediction_does_not_depend_on_the_batch_size(train_params):
    network = build_network(train_params)
    pictures, _ = toy_pictures(10, seed=0)
    whole = predict(network, pictures)
    assert (whole.shape, whole.dtype) == ((10,), np.float32)
    np.testing.assert_allclose(predict(network, pictures, batch_size=3), whole, atol=1e-6)
    assert predict(network, pictures[:0]).shape == (0,)


def test_files_that_are_not_a_network_of_this_project_are_refused(tmp_path):
    with pytest.raises(UserError, match="dvc repro train"):
        load_network(tmp_path / "none.keras")
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(UserError, match="dvc repro -f train"):
        load_network(tmp_path / "text.keras")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(tmp_path / "other.keras")
    with pytest.raises(UserError, match=r"P\(REAL\)"):
        load_network(tmp_path / "other.keras")


def test_a_network_that_trained_in_bfloat16_is_used_and_saved_in_float32(train_params, tmp_path):
    trained = build_network(train_params.model_copy(update={"precision": "bfloat16"}))
    assert trained.get_layer("backbone").get_layer("stem_conv").compute_dtype == "bfloat16"
    finished = to_float32(trained)
    assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), finished.get_weights(), strict=True))
    pictures, _ = toy_pictures(16, seed=5)
    exact = predict(build_network(train_params), pictures)
    assert np.array_equal(predict(finished, pictures), exact), "the same seed gives the same weights"
    save_network(trained, tmp_path / "model.keras")
    loaded = load_network(tmp_path / "model.keras")
    assert loaded.get_layer("backbone").get_layer("stem_conv").compute_dtype == "float32"
    assert np.array_equal(predict(loaded, pictures), exact)
    assert keras.config.dtype_policy().name == "float32"
