"""Prepared folders are read back as they were written, and missing or damaged ones are one-line errors."""

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


def test_file_names_give_the_cifar_class_and_the_group():
    assert [cifar_class_of(name) for name in ("0000.jpg", "0123 (4).jpg", "0123 (10).jpg")] == [
        "airplane",
        "cat",
        "truck",
    ]
    assert [cifar_class_of(name) for name in ("0000 (11).jpg", "lake__0001.jpg")] == ["", ""]
    assert group_of("lake__0001.jpg", "abc") == "lake"
    assert group_of("0001.jpg", "abc") == "abc"


def test_a_manifest_keeps_names_with_commas_quotes_and_spaces(tmp_path):
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


def test_missing_damaged_and_inconsistent_folders_are_one_line_errors(prepared):
    with pytest.raises(UserError, match="dvc repro preprocess"):
        load_split(prepared / "nowhere", "val")
    (prepared / "val_pictures.npy").write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        load_split(prepared, "val")
    np.save(prepared / "val_pictures.npy", np.zeros((3, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="disagree"):
        load_split(prepared, "val")


@pytest.mark.parametrize("text", ["", "split,label\n", "{header}\ntrain,1,a.jpg\n", "{header}\ntrain,x,a.jpg,s,g,,0\n"])
def test_a_damaged_manifest_is_a_one_line_error(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text.format(header=",".join(MANIFEST_FIELDS)))
    with pytest.raises(UserError, match=r"manifest\.csv is damaged.*`dvc repro preprocess`"):
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
    with pytest.raises(UserError, match="1 of 32 val pictures"):
        load_sample(prepared, "val", 1, seed=1)
