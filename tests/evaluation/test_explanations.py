"""The figures that explain a network are drawn for any number of mistakes, with the same bytes every time."""

import numpy as np
import pytest
from conftest import toy_pictures
from PIL import Image

from realfake.config.schema import EvaluateParams
from realfake.core.plot_style import save_figure
from realfake.data.corruption import SUITE
from realfake.data.dataset import ManifestRow, Split
from realfake.evaluation import explanations, robustness, scoring
from realfake.evaluation.results import Condition
from realfake.evaluation.robustness import Robustness
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
    labels[-1] ^= len(np.unique(labels)) == 1  # both classes, whatever the random network predicts
    rows = [ManifestRow("test", int(y), f"{i}.jpg", f"{i:064}", f"{i:064}", "", False) for i, y in enumerate(labels)]
    split = Split(pictures, labels, rows)
    found = scoring.evaluate_predictions(split, probabilities, params)
    damaged = robustness.measure(lambda images: predict(network, images), split, probabilities, params)
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        explanations.draw_explanations(network, found, damaged, params, tmp_path / name)
    for name in ("grad_cam.png", "robustness.png"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert np.asarray(Image.open(tmp_path / "once" / name)).std() > 10


def test_the_example_of_damage_is_a_photograph_with_edges():
    pictures = np.full((40, 32, 32, 3), 90, dtype=np.uint8)
    labels = np.arange(40, dtype=np.uint8) % 2
    pictures[6, ::2] = 200  # a fake with more edges than any photograph
    pictures[7, 8:24, 8:24] = 200
    examples = [explanations.choose_example(pictures, labels, seed) for seed in range(5)]
    assert {example.shape for example in examples} == {(1, 32, 32, 3)}
    assert any((example[0] == pictures[7]).all() for example in examples)
    assert not any((example[0] == pictures[6]).all() for example in examples)


def condition(kind: str, severity: float, accuracy: float) -> Condition:
    return Condition(kind, severity, accuracy, accuracy, accuracy, 0.01, accuracy - 0.02, accuracy + 0.02)


def test_severity_curves_start_with_clean_pictures_and_show_an_example_of_each_severity():
    rows = [condition(kind, s, 0.9 - 0.05 * i) for kind in SUITE for i, s in enumerate(SUITE[kind].severities)]
    found = Robustness(10, condition("clean", 0.0, 0.95), tuple(rows))
    pictures, _ = toy_pictures(1, seed=0)
    examples = {kind: np.repeat(pictures, len(SUITE[kind].severities) + 1, axis=0) for kind in SUITE}
    drawn = explanations.severity_curves(found, {kind: kind for kind in SUITE}, examples)
    panels = {axes.get_title(loc="left"): axes for axes in drawn.axes if axes.lines}
    assert set(panels) == set(SUITE)
    for kind, axes in panels.items():
        accuracy = axes.lines[1].get_ydata()
        assert accuracy[0] == 0.95 and len(accuracy) == len(SUITE[kind].severities) + 1
        assert axes.get_xticklabels()[0].get_text() == "clean"
        assert len(axes.child_axes) == len(accuracy)


def test_each_picture_is_drawn_beside_its_map(tmp_path):
    pictures, labels = toy_pictures(6, seed=1)
    maps = np.zeros((6, 32, 32), dtype=np.float32)
    maps[:, :16] = 1
    drawn = explanations.grad_cam_grid(pictures, labels, labels.astype(float), maps, 0.5)
    shown = [image.get_array() for image in drawn.axes[0].images]
    assert len(shown) == 12
    for label, picture, given, overlaid in zip(labels, pictures, shown[::2], shown[1::2], strict=True):
        assert np.array_equal(np.asarray(given)[::4, ::4], picture)
        red, _, blue = np.asarray(overlaid)[:64].reshape(-1, 3).mean(axis=0)
        assert (blue > red) == bool(label), "evidence for REAL must be blue, for FAKE orange"
        assert np.ptp(np.asarray(overlaid)[70:].astype(int), axis=2).max() == 0, "no evidence must be grey"
    save_figure(drawn, tmp_path / "drawn.png")
