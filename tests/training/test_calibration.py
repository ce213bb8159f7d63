"""Scaling calibrates probabilities, and a network with a folded scaling is saved and loaded as any other."""

import keras
import numpy as np
import pytest
from conftest import toy_pictures

from realfake.metrics.scores import scores
from realfake.models.builder import build_network
from realfake.models.saving import load_network, predict, save_network
from realfake.training.calibration import Scaling, calibrate, fit_scaling, fold_scaling


def draw(scale: float, shift: float, count: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Draw predicted probabilities, and labels whose true P(REAL) is sigmoid(scale * logit + shift) of them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, count)
    truth = 1 / (1 + np.exp(-(scale * logits + shift)))
    return (generator.random(count) < truth).astype(np.uint8), 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(("scale", "shift"), [(0.4, 0.0), (1.0, 0.0), (1.8, 0.0), (0.5, 0.7), (1.3, -1.0)])
def test_the_scaling_that_generated_the_labels_is_recovered(scale, shift):
    labels, probabilities = draw(scale, shift)
    found = fit_scaling(labels, probabilities, "platt")
    assert found.scale == pytest.approx(scale, rel=0.05)
    assert found.shift == pytest.approx(shift, abs=0.05)
    if not shift:
        assert fit_scaling(labels, probabilities, "temperature") == pytest.approx((scale, 0.0), rel=0.05)


@pytest.mark.parametrize("confidence", [0.5 + 1e-3, 0.9, 1.0])
def test_perfectly_separated_classes_give_finite_scalings(confidence):
    labels = (np.arange(100) % 2).astype(np.uint8)
    probabilities = np.where(labels == 1, confidence, 1 - confidence)
    for method in ("temperature", "platt"):
        found = fit_scaling(labels, probabilities, method)
        assert np.isfinite(found).all()
        assert found.scale > 0


def test_a_network_worse_than_chance_is_not_scaled():
    labels, probabilities = draw(-1.0, 0.5)
    for method in ("temperature", "platt"):
        assert fit_scaling(labels, probabilities, method) == (1.0, 0.0)


@pytest.mark.parametrize("seed", range(20))
def test_scaling_does_not_raise_the_loss(seed):
    generator = np.random.default_rng(seed)
    count = int(generator.integers(4, 200))
    labels = np.append(generator.integers(0, 2, count), [0, 1]).astype(np.uint8)
    logits = generator.normal(0, 10.0 ** generator.integers(-2, 2), count + 2) + (2.0 * labels - 1) * (seed % 3)
    given = 1 / (1 + np.exp(-logits))
    scaling = fit_scaling(labels, given, "platt")
    scaled = 1 / (1 + np.exp(-(scaling.scale * logits + scaling.shift)))
    tolerance = 3 / count  # the scaling is fitted to smoothed targets
    assert scores(labels, scaled, 0.5, 10)["log_loss"] <= scores(labels, given, 0.5, 10)["log_loss"] + tolerance


@pytest.fixture
def network(train_params) -> keras.Model:
    return build_network(train_params)


def test_a_network_with_a_folded_scaling_gives_scaled_logits(network):
    pictures, _ = toy_pictures(16, seed=0)
    before = predict(network, pictures).astype(float)
    fold_scaling(network, Scaling(0.5, 0.25))
    after = predict(network, pictures).astype(float)
    assert np.allclose(np.log(after / (1 - after)), 0.5 * np.log(before / (1 - before)) + 0.25, atol=1e-4)


def test_temperature_scaling_keeps_every_prediction_and_is_saved_with_the_network(network, tmp_path):
    pictures, _ = toy_pictures(64, seed=1)
    layer = network.get_layer("probability_real")
    probabilities = predict(network, pictures).astype(float)
    logits = np.log(probabilities / (1 - probabilities))
    kernel, bias = layer.get_weights()
    factor = np.float32(4 / logits.std())  # makes the network overconfident: a fifth of its predictions are wrong
    layer.set_weights([kernel * factor, (bias - np.float32(np.median(logits))) * factor])
    before = predict(network, pictures)
    labels = ((before >= 0.5) ^ (np.arange(64) % 5 == 0)).astype(np.uint8)
    found = calibrate(network, pictures, labels, "temperature")
    after = predict(network, pictures)
    assert np.array_equal(before >= 0.5, after >= 0.5)
    assert found.val_ece < found.val_ece_before
    save_network(network, tmp_path / "model.keras")
    assert np.array_equal(predict(load_network(tmp_path / "model.keras"), pictures), after)


def test_without_calibration_the_network_is_not_changed(network):
    pictures, labels = toy_pictures(16, seed=2)
    before = network.get_weights()
    found = calibrate(network, pictures, labels, "none")
    assert found.figures() == {"scale": 1, "shift": 0}
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
