"""An archive's pictures are checked, cleaned of duplicates and leakage, and split."""

from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT, jpeg

from realfake.config.schema import PreprocessParams, load_params
from realfake.core.errors import UserError
from realfake.data.dataset import load_split, read_manifest
from realfake.data.preparation import prepare
from realfake.data.preparation_report import PreparationReport, RemovedPictures

GENERATOR = np.random.default_rng(0)


def noise(side: int = 32) -> bytes:
    return jpeg(GENERATOR.integers(0, 256, (side, side, 3), dtype=np.uint8))


def put(folder: Path, path: str, data: bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Make a folder in CIFAKE's layout with 20 + 20 train and 5 + 5 test pictures."""
    for split, count in (("train", 20), ("test", 5)):
        for label in ("REAL", "FAKE"):
            for number in range(count):
                put(tmp_path / "data", f"{split}/{label}/{number:04} ({number % 10 + 1}).jpg", noise())
    return tmp_path / "data"


def run(pictures: Path, **changes) -> tuple[PreparationReport, Path]:
    params = load_params(PROJECT / "params.yaml").preprocess.model_dump() | changes
    output = pictures.parent / "prepared"
    output.mkdir(exist_ok=True)
    return prepare(pictures, PreprocessParams.model_validate(params), output), output


def test_splits_are_stratified_and_seeded_and_the_bytes_repeat(pictures):
    report, output = run(pictures, val_fraction=0.2)
    assert report.pictures == {
        "train": {"FAKE": 16, "REAL": 16},
        "val": {"FAKE": 4, "REAL": 4},
        "test": {"FAKE": 5, "REAL": 5},
    }
    first = {file.name: file.read_bytes() for file in output.iterdir()}
    run(pictures, val_fraction=0.2)
    assert {file.name: file.read_bytes() for file in output.iterdir()} == first
    run(pictures, val_fraction=0.2, seed=7)
    assert (output / "manifest.csv").read_bytes() != first["manifest.csv"]


def test_arrays_have_the_pixels_of_their_manifest_rows(pictures):
    flat = jpeg(np.full((32, 32, 3), 77, np.uint8))
    put(pictures, "test/REAL/0003 (4).jpg", flat)
    _, output = run(pictures)
    split = load_split(output, "test")
    place = [row.name for row in split.rows if row.label == 1].index("0003 (4).jpg") + 5
    assert (split.pictures[place] == 77).all()
    assert split.rows[place].cifar_class == "cat"


def test_duplicates_and_leakage_are_removed_from_train_and_flagged_in_test(pictures):
    duplicate = noise()
    for path in ("train/FAKE/a.jpg", "train/FAKE/b.jpg", "train/FAKE/c.jpg"):
        put(pictures, path, duplicate)
    put(pictures, "train/REAL/leak.jpg", (pictures / "test/REAL/0001 (2).jpg").read_bytes())
    report, output = run(pictures)
    assert report.removed["duplicate in train"] == RemovedPictures(2, ("train/FAKE/b.jpg", "train/FAKE/c.jpg"))
    assert report.removed["leaked into test"] == RemovedPictures(1, ("train/REAL/leak.jpg",))
    assert [row.name for row in read_manifest(output) if row.leaked] == ["0001 (2).jpg"]
    assert report.test_leaked == 1


def test_crops_of_one_photograph_are_in_one_split(pictures):
    for photograph in ("lake", "hill", "road", "moon"):
        for number in range(6):
            put(pictures, f"train/REAL/{photograph}__{number}.jpg", noise())
            put(pictures, f"train/FAKE/{photograph}__inpainted_{number}.jpg", noise())
    put(pictures, "test/REAL/moon__9.jpg", noise())
    report, output = run(pictures, val_fraction=0.4)
    rows = read_manifest(output)
    splits = {row.group: {other.split for other in rows if other.group == row.group} for row in rows}
    assert all(len(found) == 1 for found in splits.values())
    assert splits["moon"] == {"test"}
    assert report.removed["leaked into test"].count == 12


def test_bad_pictures_stop_the_stage_or_are_listed(pictures):
    put(pictures, "train/FAKE/text.jpg", b"no picture")
    put(pictures, "train/FAKE/tiny.jpg", noise(16))
    with pytest.raises(UserError, match=r"train/FAKE/text.jpg: not a picture .*1 more.*bad_pictures: skip"):
        run(pictures)
    report, _ = run(pictures, bad_pictures="skip")
    assert report.removed["unusable"].count == 2
    assert report.pictures["train"]["FAKE"] == 18


def test_one_picture_with_both_labels_is_refused(pictures):
    put(pictures, "test/FAKE/0001 (2).jpg", (pictures / "train/REAL/0001 (2).jpg").read_bytes())
    with pytest.raises(UserError, match=r"train/REAL/0001 \(2\).jpg .* both labels"):
        run(pictures)


def test_a_missing_class_is_refused(pictures):
    for file in (pictures / "test/FAKE").iterdir():
        file.unlink()
    with pytest.raises(UserError, match=r"test has no usable FAKE picture.* test/FAKE"):
        run(pictures)


def test_max_per_class_limits_train_and_val(pictures):
    report, output = run(pictures, max_per_class=10)
    assert sum(report.pictures["train"].values()) + sum(report.pictures["val"].values()) == 20
    assert PreparationReport.read(output) == report


@pytest.mark.slow
def test_real_cifake_gives_the_known_counts(cifake, tmp_path):
    params = load_params(PROJECT / "params.yaml").preprocess
    report = prepare(cifake, params, tmp_path)
    train = {name: report.pictures["train"][name] + report.pictures["val"][name] for name in ("FAKE", "REAL")}
    assert train == {"FAKE": 49_043, "REAL": 50_000}
    assert report.removed["duplicate in train"].count + report.removed["leaked into test"].count == 957
