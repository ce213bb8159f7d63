"""The prepared folder is read as it was written."""

import numpy as np
import pytest

from realfake.core.errors import UserError
from realfake.data.dataset import (
    MANIFEST,
    MANIFEST_FIELDS,
    ManifestRow,
    balanced_sample,
    cifar_class_of,
    group_of,
    load_sample,
    load_split,
    read_manifest,
    write_manifest,
)


def test_names_tell_the_cifar_class_and_the_photograph():
    assert [cifar_class_of(name) for name in ("0000.jpg", "0123 (4).jpg", "0123 (10).jpg")] == [
        "airplane",
        "cat",
        "truck",
    ]
    assert [cifar_class_of(name) for name in ("0000 (11).jpg", "lake__0001.jpg")] == ["", ""]
    assert group_of("lake__0001.jpg", "abc") == "lake"
    assert group_of("0001.jpg", "abc") == "abc"


def test_a_manifest_survives_names_with_commas_quotes_and_spaces(tmp_path):
    names = ['a, "b".jpg', "0001 (2).jpg", "ünï.png"]
    rows = [
        ManifestRow("test", 1, name, "f" * 64, "g", "cat", leaked)
        for name, leaked in zip(names, (1, 0, 1), strict=True)
    ]
    write_manifest(tmp_path, rows)
    assert read_manifest(tmp_path) == rows


def test_a_split_is_loaded_with_its_rows(prepared):
    split = load_split(prepared, "val")
    assert split.pictures.shape == (32, 32, 32, 3)
    assert [row.label for row in split.rows] == split.labels.tolist()


def test_missing_damaged_or_contradicting_folders_are_one_line(prepared):
    with pytest.raises(UserError, match="dvc repro preprocess"):
        load_split(prepared / "nowhere", "val")
    (prepared / "val_pictures.npy").write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        load_split(prepared, "val")
    np.save(prepared / "val_pictures.npy", np.zeros((3, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="disagree"):
        load_split(prepared, "val")


@pytest.mark.parametrize("text", ["", "split,label\n", "{header}\ntrain,1,a.jpg\n", "{header}\ntrain,x,a.jpg,s,g,,0\n"])
def test_a_damaged_manifest_is_one_line(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text.format(header=",".join(MANIFEST_FIELDS)))
    with pytest.raises(UserError, match=r"manifest\.csv is damaged; `dvc repro preprocess` makes it again"):
        read_manifest(tmp_path)


def test_a_balanced_sample_is_seeded_and_balanced():
    labels = np.array([0] * 90 + [1] * 10, dtype=np.uint8)
    chosen = balanced_sample(labels, 12, seed=3)
    assert np.bincount(labels[chosen]).tolist() == [6, 6]
    assert np.array_equal(chosen, balanced_sample(labels, 12, seed=3))
    assert not np.array_equal(chosen, balanced_sample(labels, 12, seed=4))


def test_a_sample_is_balanced_and_one_without_a_class_is_refused(prepared):
    pictures, labels = load_sample(prepared, "val", 10, seed=1)
    assert pictures.shape == (10, 32, 32, 3)
    assert labels.sum() == 5
    with pytest.raises(UserError, match="1 of 32 val pictures gives none of each class"):
        load_sample(prepared, "val", 1, seed=1)
