"""A checkpoint is continued only where data, code and params are the same."""

import numpy as np
import pytest

from realfake.training.checkpoint import Checkpoint, TrainingState
from realfake.training.history import EpochResult

EPOCH = EpochResult(1, 0.1, 0.5, 0.75, 0.4, 0.8, 0.9)


def test_the_state_comes_back(project):
    arrays = [np.arange(3.0), np.zeros((2, 2), np.uint32)]
    Checkpoint({"a": 1}, ["data.images"]).save(TrainingState([EPOCH], arrays, arrays[:1], arrays))
    snapshot = Checkpoint({"a": 1}, ["data.images"]).load()
    assert snapshot is not None
    assert snapshot.history == [EPOCH]
    assert [array.tolist() for array in snapshot.model] == [array.tolist() for array in arrays]
    assert len(snapshot.optimizer) == 1


def test_other_params_or_modules_start_anew(project):
    Checkpoint({"a": 1}, ["data.images"]).save(TrainingState([], [], [], []))
    assert Checkpoint({"a": 2}, ["data.images"]).load() is None
    assert Checkpoint({"a": 1}, ["data.images", "data.corruption"]).load() is None


@pytest.mark.parametrize("length", [0, 4, 100, -30])
def test_a_damaged_checkpoint_starts_anew_and_says_so(project, capsys, length):
    checkpoint = Checkpoint({"a": 1}, ["data.images"])
    checkpoint.save(TrainingState([], [np.arange(100.0)], [], []))
    file = checkpoint.folder / "state.npz"
    file.write_bytes(file.read_bytes()[:length])
    assert checkpoint.load() is None
    assert "damaged" in capsys.readouterr().out
