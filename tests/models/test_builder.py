"""A recipe becomes a network with the right weights and the right trainable layers."""

import keras
import numpy as np
import pytest
from conftest import PROJECT

from realfake.config.schema import TrainParams, load_params
from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.models import pretrained
from realfake.models.architecture import describe
from realfake.models.builder import build_network
from realfake.models.saving import save_network

MOBILE = {"backbone": "MobileNetV2", "width": None}
TALK = {
    "backbone": "ResNet50",
    "width": None,
    "image_size": 128,
    "unfreeze": 10,
    "weights": "none",
}


def params(**changes) -> TrainParams:
    base = load_params(PROJECT / "recipes/scratch.yaml").train.model_dump() | {"backbone": "resnet8", "width": 4}
    return TrainParams.model_validate(base | changes)


def test_the_talks_network_trains_exactly_conv5_block3_and_the_head():
    network = build_network(params(**TALK))
    backbone = network.get_layer("backbone")
    trainable = [layer for layer in backbone.layers if layer.trainable and layer.weights]
    assert len(backbone.layers) == 175
    assert sum(weight.shape.num_elements() for layer in trainable for weight in layer.trainable_weights) == 4_465_664
    assert all(layer.name.startswith("conv5_block3") for layer in trainable)
    parts = describe(network, params(**TALK | {"weights": "imagenet"}))
    assert [part.state for part in parts] == ["frozen", "fine-tuned", "new", "new", "new", "new"]
    assert sum(part.weights for part in parts) == network.count_params()
    before = [layer.moving_mean.numpy() for layer in trainable if hasattr(layer, "moving_mean")]
    network(np.random.default_rng(0).random((4, 128, 128, 3), dtype=np.float32), training=True)
    after = [layer.moving_mean.numpy() for layer in trainable if hasattr(layer, "moving_mean")]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "fine-tuned BatchNormalization moved"


def test_a_fully_trained_network_uses_batch_statistics_and_is_the_same_when_built_again():
    one, two = build_network(params()), build_network(params())
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))
    norm = one.get_layer("backbone").get_layer("stem_bn")
    before = norm.moving_mean.numpy()
    one(np.random.default_rng(0).random((4, 32, 32, 3), dtype=np.float32), training=True)
    assert not np.array_equal(before, norm.moving_mean.numpy())
    assert norm.momentum == 0.9


def test_the_backbones_input_range_is_that_of_its_pretrained_weights():
    network = build_network(params(**MOBILE, input_range="backbone"))
    unit = build_network(params(**MOBILE))
    picture = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    np.testing.assert_allclose(network(picture), unit(picture * 2 - 1), atol=1e-5)


def test_weights_come_from_files_with_the_stated_digest(tmp_path):
    source = build_network(params(seed=1))
    save_network(source, tmp_path / "a.keras")
    source.get_layer("backbone").save_weights(tmp_path / "b.weights.h5")
    picture = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    for name in ("a.keras", "b.weights.h5"):
        path = tmp_path / name
        network = build_network(params(weights=str(path), weights_sha256=sha256_file(path)))
        weights = zip(network.get_layer("backbone").weights, source.get_layer("backbone").weights, strict=True)
        assert all(np.array_equal(a, b) for a, b in weights), name
    full = build_network(params(weights=str(tmp_path / "a.keras"), weights_sha256=sha256_file(tmp_path / "a.keras")))
    np.testing.assert_allclose(full(picture), source(picture), atol=1e-6)


def test_the_shipped_network_is_named_cifake(project):
    source = build_network(params(seed=1))
    (project / pretrained.FOLDER).mkdir(parents=True)
    save_network(source, project / pretrained.NETWORK)
    digest = sha256_file(project / pretrained.NETWORK)
    started = params(weights="cifake", weights_sha256=digest, unfreeze=0)
    network = build_network(started)
    assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), source.get_weights(), strict=True))
    assert [part.state for part in describe(network, started)][-4:] == ["fine-tuned"] * 4, (
        "the head has pretrained weights too"
    )
    with pytest.raises(UserError, match="train.weights_sha256: " + digest):
        build_network(params(weights="cifake"))


def test_keras_published_format_of_backbone_weights_is_read(tmp_path):
    backbone = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "mobilenet_v2_notop.weights.h5"
    backbone.save_weights(path)
    network = build_network(
        params(
            **MOBILE,
            weights=str(path),
            weights_sha256=sha256_file(path),
            unfreeze=0,
        )
    )
    assert np.array_equal(network.get_layer("backbone").weights[0], backbone.weights[0])


def test_mistakes_are_explained_in_one_line(tmp_path):
    (tmp_path / "w.h5").write_bytes(b"no weights")
    digest = sha256_file(tmp_path / "w.h5")
    for changes, expected in [
        ({"backbone": "resnet21"}, r"resnet21.*6n\+2 or 8n\+2"),
        ({"backbone": "ResNet51", "width": None}, "ResNet51.*resnet10, resnet18"),
        ({"width": None}, "train.width is null"),
        ({"backbone": "ResNet50"}, "train.width is 4"),
        (
            {"backbone": "ResNet50", "width": None, "image_size": 16},
            "train.image_size 16",
        ),
        ({"unfreeze": 999}, "train.unfreeze is 999.* 29 layers"),
        ({"weights": "imagenet"}, "ImageNet.*resnet8"),
        ({"weights": "no.h5"}, "no.h5.*exist"),
        ({"weights": "weights.bin"}, "weights.bin.*expected none, imagenet, cifake"),
        ({"weights": str(tmp_path / "w.h5")}, f"train.weights_sha256 is null.* train.weights_sha256: {digest}"),
        ({"weights": str(tmp_path / "w.h5"), "weights_sha256": "0" * 64}, "train.weights_sha256 is 000000000000"),
        ({"weights": str(tmp_path / "w.h5"), "weights_sha256": digest}, "w.h5 does not fit"),
        ({"input_range": "backbone"}, "train.input_range is backbone"),
    ]:
        with pytest.raises(UserError, match=expected) as error:
            build_network(params(**changes))
        assert "\n" not in str(error.value)


def test_a_failed_download_of_imagenet_weights_names_the_alternatives(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.applications.resnet.BASE_WEIGHTS_PATH", "http://127.0.0.1:9/")
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path), raising=False)
    with pytest.raises(UserError, match=r"ResNet50.*train.weights: FILE.*train.weights: none.*make use"):
        build_network(params(**TALK | {"weights": "imagenet"}))
