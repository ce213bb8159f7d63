"""A checkpoint is used only by a training with the same data, code and parameters."""

import numpy as np
import pytest

from realfake.training.checkpoint import Checkpoint, TrainingState
from realfake.training.history import EpochResult

EPOCH = EpochResult(1, 0.1, 0.5, 0.75, 0.4, 0.8, 0.9)


def test_a_saved_state_is_loaded(project):
    arrays = [np.arange(3.0), np.zeros((2, 2), np.uint32)]
    Checkpoint({"a": 1}, ["data.images"]).save(TrainingState([EPOCH], arrays, arrays[:1], arrays))
    state = Checkpoint({"a": 1}, ["data.images"]).load()
    assert state is not None
    assert state.history == [EPOCH]
    assert [array.tolist() for array in state.model] == [array.tolist() for array in arrays]
    assert len(state.optimizer) == 1


def test_other_parameters_or_modules_have_no_checkpoint(project):
    Checkpoint({"a": 1}, ["data.images"]).save(TrainingState([], [], [], []))
    assert Checkpoint({"a": 2}, ["data.images"]).load() is None
    assert Checkpoint({"a": 1}, ["data.images", "data.corruption"]).load() is None


@pytest.mark.parametrize("length", [0, 4, 100, -30])
def test_a_damaged_checkpoint_is_reported_and_ignored(project, capsys, length):
    checkpoint = Checkpoint({"a": 1}, ["data.images"])
    checkpoint.save(TrainingState([], [np.arange(100.0)], [], []))
    file = checkpoint.folder / "state.npz"
    file.write_bytes(file.read_bytes()[:length])
    assert checkpoint.load() is None
    assert "damaged" in capsys.readouterr().out
