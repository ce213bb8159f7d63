"""The figures that explain a network are drawn for any number of mistakes, the same bytes every time."""

import numpy as np
import pytest
from conftest import toy_pictures
from PIL import Image

from realfake.config.schema import EvaluateParams
from realfake.data.dataset import ManifestRow, Split
from realfake.evaluation import explanations, robustness, scoring
from realfake.models.builder import build_network
from realfake.models.saving import predict


@pytest.mark.parametrize(
    "wrong", [pytest.param(0, marks=pytest.mark.slow), 3, pytest.param(40, marks=pytest.mark.slow)]
)
def test_both_figures_are_drawn(train_params, tmp_path, wrong):
    params = EvaluateParams(threshold=0.5, bootstrap=100, calibration_bins=5, robustness_pictures=8, seed=1)
    network = build_network(train_params)
    pictures, _ = toy_pictures(80, seed=4)
    probabilities = predict(network, pictures)
    labels = (probabilities >= 0.5).astype(np.uint8)
    labels[:wrong] ^= 1
    labels[-1] ^= len(np.unique(labels)) == 1  # both classes, whatever the random network says
    rows = [ManifestRow("test", int(y), f"{i}.jpg", f"{i:064}", f"{i:064}", "", False) for i, y in enumerate(labels)]
    split = Split(pictures, labels, rows)
    found = scoring.assess(split, probabilities, params)
    damaged = robustness.measure(lambda seen: predict(network, seen), split, probabilities, params)
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        explanations.draw(network, found, damaged, params, tmp_path / name)
    for name in ("grad_cam.png", "robustness.png"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert np.asarray(Image.open(tmp_path / "once" / name)).std() > 10
