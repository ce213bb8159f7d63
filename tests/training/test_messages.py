"""Train prints one line per epoch, a warning if bfloat16 is slow, and the effect of calibration at the end."""

import pytest
from stage_files import epoch_result

from realfake.training.messages import format_end, format_epoch, format_start
from realfake.training.training_record import Calibration


def test_an_epoch_is_one_line_with_the_time_left():
    line = format_epoch(epoch_result(2), 4, 61.0)
    assert "\n" not in line
    for figure in ("2/4", "loss 0.5000", "75.00%", "val loss 0.4000", "80.00%", "AUC 0.9000", "61 s", "2 min left"):
        assert figure in line
    assert "left" not in format_epoch(epoch_result(2), 4, 10.0)


@pytest.mark.parametrize(
    ("precision", "fast", "lines"), [("bfloat16", True, 1), ("bfloat16", False, 2), ("float32", False, 1)]
)
def test_bfloat16_on_a_processor_without_it_is_a_warning(monkeypatch, train_params, precision, fast, lines):
    monkeypatch.setattr("realfake.training.messages.bfloat16_is_fast", lambda: fast)
    text = format_start(train_params.model_copy(update={"precision": precision}), 1234, 64)
    for figure in ("resnet8x4-32px-2ep", "1,234", "64 pictures"):
        assert figure in text
    assert len(text.splitlines()) == lines


def test_the_end_names_the_kept_epoch_and_the_effect_of_calibration():
    kept = epoch_result(7)
    plain = format_end(kept, Calibration(1.0, 0.0))
    assert "epoch 7" in plain and "80.00%" in plain
    assert "calibration" not in plain
    scaled = format_end(kept, Calibration(0.5, 0.0, val_accuracy=0.8, val_loss=0.3, val_ece=0.01, val_ece_before=0.05))
    assert "5.00%" in scaled and "1.00%" in scaled
