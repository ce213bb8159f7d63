"""An epoch is a line that can be read; what calibration did and what the processor lacks is said."""

import pytest
from stage_files import epoch_result

from realfake.training.messages import closing, epoch_line, opening
from realfake.training.training_record import Calibration


def test_an_epoch_is_one_line_with_the_time_left():
    assert epoch_line(epoch_result(2), 4, 61.0) == (
        "epoch   2/4  loss 0.5000  accuracy 75.00%"
        "  |  val loss 0.4000  accuracy 80.00%  AUC 0.9000  |  61 s, about 2 min left"
    )
    assert "left" not in epoch_line(epoch_result(2), 4, 10.0)


@pytest.mark.parametrize(
    ("precision", "fast", "lines"), [("bfloat16", True, 1), ("bfloat16", False, 2), ("float32", False, 1)]
)
def test_a_precision_that_the_processor_does_not_have_is_said(monkeypatch, train_params, precision, fast, lines):
    monkeypatch.setattr("realfake.training.messages.bfloat16_is_fast", lambda: fast)
    said = opening(train_params.model_copy(update={"precision": precision}), 1234, 64)
    assert said.startswith("resnet8x4-32px-2ep: 1,234 weights, 64 pictures")
    assert len(said.splitlines()) == lines


def test_the_end_names_the_kept_epoch_and_what_calibration_did():
    kept = epoch_result(7)
    assert "kept epoch 7: val accuracy 80.00%" in closing(kept, Calibration(1.0, 0.0))
    assert "calibration" not in closing(kept, Calibration(1.0, 0.0))
    scaled = closing(kept, Calibration(0.5, 0.0, val_accuracy=0.8, val_loss=0.3, val_ece=0.01, val_ece_before=0.05))
    assert "5.00%" in scaled and "1.00%" in scaled
