"""Pictures seen in training are recognised by their fingerprints, and a damaged file is a one-line error."""

import numpy as np
import pytest

from realfake.core.errors import UserError
from realfake.data.dataset import ManifestRow
from realfake.data.fingerprints import (
    SEEN_FILE,
    read_fingerprints,
    seen_in_training,
    training_fingerprints,
    write_fingerprints,
)


def row(split: str, sha256: str, group: str) -> ManifestRow:
    return ManifestRow(split, 1, f"{sha256}.jpg", sha256, group, "", False)


def test_pictures_and_groups_of_train_and_val_are_recognised_and_those_of_test_are_not(tmp_path):
    written = training_fingerprints([row("train", "a", "lake"), row("val", "b", "hill"), row("test", "c", "road")])
    write_fingerprints(tmp_path, written)
    read = read_fingerprints(tmp_path, "dvc repro train")
    assert np.array_equal(read, written)
    rows = [row("test", "a", "x"), row("test", "y", "hill"), row("test", "c", "road")]
    assert seen_in_training(rows, read).tolist() == [True, True, False]


@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_missing_or_damaged_file_is_a_one_line_error(tmp_path, content):
    with pytest.raises(UserError, match=rf"{SEEN_FILE} is missing.*`dvc repro train`"):
        read_fingerprints(tmp_path, "dvc repro train")
    if content is None:
        np.save(tmp_path / SEEN_FILE, np.zeros((2, 2)))
    else:
        (tmp_path / SEEN_FILE).write_bytes(content)
    with pytest.raises(UserError, match=rf"{SEEN_FILE} is damaged.*`dvc repro train`"):
        read_fingerprints(tmp_path, "dvc repro train")
