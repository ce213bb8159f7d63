"""The shipped detector matches its record and the recipes, is small, and its training pictures are known."""

import hashlib
import importlib
import shutil
import sys
from types import ModuleType

import numpy as np
import pytest
from conftest import CIFAKE, PROJECT
from PIL import Image

from realfake.config.editing import set_values
from realfake.config.schema import load_params
from realfake.core.files import sha256_file
from realfake.core.json_files import read_json
from realfake.data.archive import read_archive
from realfake.data.images import decode, to_source_size
from realfake.inference.detector import SHIPPED, Detector
from realfake.metrics.scores import accuracy
from realfake.models import pretrained

RECORD = PROJECT / "models/cifake/record.json"


@pytest.fixture(scope="module")
def record() -> dict:
    return read_json(RECORD)


def test_both_files_are_small(record):
    assert sum((PROJECT / name).stat().st_size for name in (pretrained.NETWORK, SHIPPED)) <= 4_000_000


def test_the_network_is_that_of_the_record_and_of_the_recipes(record):
    assert pretrained.is_shipped(PROJECT, record["model_sha256"])
    assert not pretrained.is_shipped(PROJECT, "0" * 64)
    made = load_params(PROJECT / "models/cifake/params.yaml").train
    every = [load_params(path).train for path in (PROJECT / "recipes").glob("*.yaml")]
    starts = [train for train in every if train.weights == pretrained.NAME]
    found = {(train.backbone, train.width, train.image_size, train.weights_sha256) for train in starts}
    wanted = {(made.backbone, made.width, made.image_size, record["model_sha256"])}
    assert found == wanted, "`make shipped` writes width, size and digest into the recipes"


def test_the_int8_files_metadata_match_the_record(record):
    description = Detector(PROJECT / SHIPPED).description
    assert description.model_sha256 == record["model_sha256"]
    assert description.figures["accuracy"] == pytest.approx(record["metrics"]["accuracy"])
    card = (PROJECT / "models/cifake/README.md").read_text()
    assert f"accuracy {record['light']['scores']['accuracy']:.2%} (" in card


@pytest.fixture(scope="module")
def make() -> ModuleType:
    sys.path.append(str(PROJECT / "models"))
    return importlib.import_module("make")


def test_a_new_shipped_network_updates_the_recipes_that_start_from_it(make, tmp_path):
    (tmp_path / "recipes").mkdir()
    for name in ("native", "quick", "refine", "scratch"):
        shutil.copy(PROJECT / f"recipes/{name}.yaml", tmp_path / "recipes")
    shutil.copy(PROJECT / "recipes/scratch.yaml", tmp_path / "params.yaml")
    set_values(tmp_path / "recipes/native.yaml", {"backbone": "resnet26", "width": 12})
    make.start(tmp_path, "a" * 64)
    quick = load_params(tmp_path / "recipes/quick.yaml").train
    assert (quick.backbone, quick.width, quick.weights_sha256) == ("resnet26", 12, "a" * 64)
    assert "# channels of the first stage" in (tmp_path / "recipes/quick.yaml").read_text()
    scratch = (PROJECT / "recipes/scratch.yaml").read_text()
    assert (tmp_path / "params.yaml").read_text() == scratch, "scratch starts from random weights and stays as it was"


def test_the_card_names_data_int8_scores_and_commit(make, record):
    changed = record | {"made": record["made"] | {"git_dirty": "true"}, "training_seconds": 600}
    card = make.card("# T\n\n## Data\n\nD\n\n## Limits\n\n- L\n\n## Make it again\n\nold\n", changed)
    assert "Stable Diffusion 1.4" in card.partition("D\n")[0]
    assert f"{record['light']['scores']['accuracy']:.2%}" in card.partition("## Limits")[0]
    assert f"{record['made']['git_commit'][:8]} with changes, in 10 minutes" in card
    assert "old" not in card


def test_its_recipe_is_the_committed_one():
    made = load_params(PROJECT / "models/cifake/params.yaml")
    recipe = load_params(PROJECT / "recipes/refine.yaml")
    start = {"weights": made.train.weights, "weights_sha256": made.train.weights_sha256}
    assert made.train.weights == "weights/native.keras"
    assert made.train == recipe.train.model_copy(update=start)
    assert (made.preprocess, made.evaluate) == (recipe.preprocess, recipe.evaluate)


def test_its_training_pictures_are_known_and_do_not_contain_the_embedded_sample():
    trained_on = pretrained.training_fingerprints(PROJECT)
    assert trained_on.dtype == np.uint64
    assert len(trained_on) > 95_000
    sample = [picture for folder in ("real", "fake") for picture in (PROJECT / "imgs" / folder).glob("*.jpg")]
    digests = [hashlib.sha256(hashlib.sha256(path.read_bytes()).hexdigest().encode()).digest()[:8] for path in sample]
    assert not np.isin(np.frombuffer(b"".join(digests), dtype=np.uint64), trained_on).any()


@pytest.mark.slow
def test_the_int8_file_reaches_its_recorded_accuracy_on_the_real_test_pictures(cifake, record):
    detector = Detector(PROJECT / SHIPPED)
    rows = [one for one in read_archive(CIFAKE) if one.split == "test"]
    pictures = np.stack([to_source_size(decode(one.data), 32) for one in rows])
    labels = np.array([one.label for one in rows], dtype=np.uint8)
    found = accuracy(labels, np.concatenate([detector.predict(part) for part in np.split(pictures, 20)]))
    assert found == pytest.approx(record["formats"]["formats"]["litert_int8"]["accuracy"], abs=0.01)


def test_it_classifies_any_picture_of_enough_pixels(tmp_path):
    Image.effect_noise((320, 200), 60).convert("RGB").save(tmp_path / "noise.png")
    found = Detector(PROJECT / SHIPPED).classify((tmp_path / "noise.png").read_bytes())
    assert found.label in ("REAL", "FAKE")
    assert 0 <= found.probability <= 1


def test_the_recorded_digest_is_that_of_the_file(record):
    assert record["model_sha256"] == sha256_file(PROJECT / pretrained.NETWORK)


def words(page: str) -> str:
    """The text of a page in one line."""
    return " ".join((PROJECT / page).read_text(encoding="utf-8").split())


def test_the_results_say_what_the_record_says(record):
    page = words("docs/results.md")
    conditions = {(row["kind"], row["severity"]): row["accuracy"] for row in record["conditions"]}
    said = [record["metrics"]["accuracy"], record["cleaned"]["accuracy"], record["metrics"]["ece"]]
    said += [conditions["jpeg", 40], conditions["noise", 0.1], conditions["blur", 0.6], record["robust"]["accuracy"]]
    assert [value for value in said if f"{100 * value:.2f} %" not in page] == []
    assert f"{record['training_seconds'] / 60:.0f} min on two cores" in page


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_the_accuracy_on_a_page_is_that_of_the_record(record, page):
    light = record["light"]
    for value, ends in (
        (record["metrics"]["accuracy"], [record[f"ci_{end}"]["accuracy"] for end in ("low", "high")]),
        (light["scores"]["accuracy"], light["accuracy_interval"]),
    ):
        low, high = (100 * end for end in ends)
        assert f"{100 * value:.2f} %" in words(page)
        assert f"({low:.2f} to {high:.2f})" in words(page)


def test_the_readme_says_at_the_top_what_it_reaches_and_what_it_cannot(record):
    top = words("README.md").partition("## ")[0]
    assert f"{100 * record['metrics']['accuracy']:.2f} % on CIFAKE's test pictures" in top
    results = read_json(PROJECT / "benchmarks/results/another_generator.json")["result"]["rows"]
    (shipped,) = results["as shipped"]
    assert f"accuracy is {100 * shipped['accuracy']:.1f} %" in top
