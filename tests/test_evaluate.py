"""The stage evaluate scores a saved network on prepared pictures; missing or damaged inputs are one-line errors."""

import json
from pathlib import Path

import numpy as np
import pytest
from scored import COUNT, PARAMS, pictures, rows

import evaluate
from realfake.core.errors import UserError
from realfake.data.dataset import write_manifest


def prepared(folder: Path) -> Path:
    folder.mkdir()
    manifest = rows()
    np.save(folder / "test_pictures.npy", pictures())
    np.save(folder / "test_labels.npy", np.array([row.label for row in manifest], dtype=np.uint8))
    write_manifest(folder, manifest)
    return folder


def test_the_stage_scores_a_real_network_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from realfake.models.saving import save_network

    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Dense(1, "relu", name="dense")(keras.layers.GlobalAveragePooling2D(name="pool")(inputs))
    network = keras.Model(inputs, keras.layers.Dense(1, "sigmoid", name="probability_real")(x))
    network.set_weights([np.full((3, 1), 1 / 3), np.zeros(1), np.full((1, 1), 12.0), np.array([-5.5])])
    (tmp_path / "model").mkdir()
    save_network(network, tmp_path / "model/model.keras")
    monkeypatch.setattr(evaluate, "BLOCK", 7)
    result, damaged = evaluate.evaluate(
        tmp_path / "model", prepared(tmp_path / "prepared"), PARAMS, tmp_path / "evaluation"
    )
    brightness = pictures().mean(axis=(1, 2, 3)) / 255
    assert result.probabilities == pytest.approx(1 / (1 + np.exp(5.5 - 12 * brightness)), abs=1e-4)
    assert json.loads((tmp_path / "evaluation/metrics.json").read_text())["pictures"] == COUNT
    assert json.loads((tmp_path / "evaluation/robust.json").read_text())["pictures"] == damaged.pictures
    assert {path.name for path in (tmp_path / "evaluation/figures").iterdir()} >= {"grad_cam.png", "robustness.png"}


def test_a_missing_or_damaged_model_is_a_one_line_error_and_keeps_the_last_result(tmp_path: Path) -> None:
    folder, output, model = prepared(tmp_path / "prepared"), tmp_path / "evaluation", tmp_path / "model"
    output.mkdir()
    (output / "metrics.json").write_text("{}")
    with pytest.raises(UserError, match="dvc repro train"):
        evaluate.evaluate(model, folder, PARAMS, output)
    model.mkdir()
    (model / "model.keras").write_bytes(b"not a zip file")
    with pytest.raises(UserError, match="dvc repro -f train"):
        evaluate.evaluate(model, folder, PARAMS, output)
    assert (output / "metrics.json").read_text() == "{}"
