"""The real CIFAKE through the real commands: fetched, prepared, trained, evaluated, exported."""

import shutil
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from checkouts import SMALL, change, runs, succeed
from conftest import CIFAKE

from realfake.core.files import sha256_file
from realfake.core.json_files import read_json

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CIFAKE.is_file(), reason="the real CIFAKE is not beside the project (../shared/cifake)"),
]


def to_zip(file: Path, per_class: int) -> None:
    """Write the first pictures of each of CIFAKE's four folders as a .zip."""
    seen: Counter[str] = Counter()
    with tarfile.open(CIFAKE) as tar, zipfile.ZipFile(file, "w") as packed:
        for member in tar:
            folder = member.name.rpartition("/")[0]
            seen[folder] += 1
            if member.isfile() and seen[folder] <= per_class:
                packed.writestr(member.name, tar.extractfile(member).read())


@pytest.fixture(scope="module")
def fetched(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose data are 300 pictures of each of CIFAKE's folders."""
    folder = tmp_path_factory.mktemp("cifake")
    to_zip(folder / "cifake.zip", 300)
    project = shutil.copytree(finished, folder / "project")
    shown = succeed(project, f"python src/fetch.py --from {folder / 'cifake.zip'}")
    assert "train FAKE     300  REAL     300" in shown
    return project


def test_the_native_recipe(fetched: Path) -> None:
    succeed(fetched, "python src/use.py native --force")
    change(fetched, "train", epochs=1, precision="float32")  # bfloat16 takes six times as long on many processors
    change(fetched, "evaluate", **SMALL["evaluate"])
    change(fetched, "export", **SMALL["export"])
    shown = succeed(fetched, "dvc repro")
    assert "epoch   1/1" in shown
    report = read_json(fetched / "outputs/prepared/report.json")
    assert report["pictures"]["test"] == {"FAKE": 300, "REAL": 300}
    classes = read_json(fetched / "outputs/evaluation/plots/accuracy_by_class.json")
    assert {"airplane", "automobile"} <= {row["class"] for row in classes}
    assert runs(fetched)[0].data.tags["data_digest"] == report["digest"]


def test_the_deck_recipe_with_weights_from_a_file(fetched: Path, tmp_path: Path) -> None:
    import keras
    import numpy as np

    from realfake.models.saving import load_network

    keras.utils.set_random_seed(0)
    pretrained = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(64, 64, 3))
    weights = tmp_path / "resnet50.weights.h5"
    pretrained.save_weights(weights)
    succeed(fetched, "python src/use.py deck --force")
    change(fetched, "preprocess", max_per_class=32)
    change(fetched, "train", weights=str(weights), weights_sha256=sha256_file(weights), image_size=64, epochs=1)
    change(fetched, "export", formats=["keras"])
    assert "epoch   1/1" in succeed(fetched, "dvc repro train")

    trained = load_network(fetched / "outputs/model/model.keras").get_layer("backbone")
    moved = [
        layer.name
        for layer, start in zip(trained.layers, pretrained.layers, strict=True)
        if any(not np.array_equal(a, b) for a, b in zip(layer.get_weights(), start.get_weights(), strict=True))
    ]
    assert moved
    assert all(name.startswith("conv5_block3_") for name in moved)
    states = {part["name"]: part["state"] for part in read_json(fetched / "outputs/model/training.json")["parts"]}
    assert list(states.values())[:3] == ["frozen", "fine-tuned", "new"]
    (run, *_) = runs(fetched)
    assert run.info.run_name.startswith("ResNet50-64px-resnet50.weights-last10-1ep")
    assert run.data.params["train.weights_sha256"] == sha256_file(weights)
